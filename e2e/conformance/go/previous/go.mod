module github.com/gantry-ai/gantry/e2e/conformance/previous

go 1.26

require (
	github.com/anthropics/anthropic-sdk-go v0.2.0-beta.3
	github.com/gantry-ai/gantry/e2e/conformance/common v0.0.0
	github.com/openai/openai-go/v2 v2.7.1
	google.golang.org/genai v0.3.0
)

require (
	cloud.google.com/go v0.116.0 // indirect
	cloud.google.com/go/compute/metadata v0.5.0 // indirect
	github.com/google/go-cmp v0.6.0 // indirect
	github.com/gorilla/websocket v1.5.3 // indirect
	github.com/tidwall/gjson v1.14.4 // indirect
	github.com/tidwall/match v1.1.1 // indirect
	github.com/tidwall/pretty v1.2.1 // indirect
	github.com/tidwall/sjson v1.2.5 // indirect
	golang.org/x/oauth2 v0.23.0 // indirect
	golang.org/x/sys v0.29.0 // indirect
)

replace github.com/gantry-ai/gantry/e2e/conformance/common => ../common
