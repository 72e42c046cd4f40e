"""Sources of events and the plug-in door through which all of them enter."""
