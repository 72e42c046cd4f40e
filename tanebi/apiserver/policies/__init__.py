"""Rules in CEL that an administrator gives the whole cluster: ValidatingAdmissionPolicy."""
