module github.com/gantry-ai/gantry/e2e/conformance/common

go 1.26
