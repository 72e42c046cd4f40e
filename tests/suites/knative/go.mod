module tanebi.dev/conformance/knative

go 1.22.0

require knative.dev/serving v0.42.2
