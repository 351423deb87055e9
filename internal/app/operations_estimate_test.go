package app

import (
	"testing"

	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

func TestEstimates(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, testEstimates)
}

// testEstimates prices a request of every kind, with the parameters that prices go by.
func testEstimates(d *desk) {
	d.platform("media", `"modelAlias":"painter","providerModelName":"p","modelType":["image","image_edit"],"billingConfig":{"currency":"USD","rules":[`+
		`{"resourceType":"image","unit":"image","calculatorType":"matrix","dimensionSchema":{"size":{"enum":["1024x1024","1536x1024"]},"quality":{"enum":["low","high"],"default":"low"}},`+
		`"formulaConfig":{"prices":[{"when":{"size":"1024x1024","quality":"low"},"price":0.01},{"when":{"size":"1024x1024","quality":"high"},"price":0.04},{"when":{"size":"1536x1024","quality":"high"},"price":0.06}]}}]}`)
	for _, model := range []string{
		`"modelAlias":"thinker","providerModelName":"t","modelType":["chat","responses"],"billingConfig":{"currency":"USD","rules":[{"resourceType":"text_input","unit":"1m_tokens","basePrice":1},{"resourceType":"text_output","unit":"1m_tokens","basePrice":10}]}`,
		`"modelAlias":"judge","providerModelName":"j","modelType":["moderation"],"billingConfig":{"currency":"USD","rules":[{"resourceType":"text_input","unit":"token","basePrice":0}]}`,
		`"modelAlias":"filmer","providerModelName":"f","modelType":["video"],"billingConfig":{"currency":"USD","rules":[{"resourceType":"video_second","unit":"second","basePrice":0.1,"baseWeight":{"resolution":{"720p":1,"1080p":3}},"dimensionSchema":{"resolution":{"enum":["720p","1080p"]}}}]}`,
	} {
		d.ask(surfacetest.Request{Name: "media model", As: "admin", Method: post, Path: "/api/admin/platforms/{made}/models", Body: `{` + model + `}`, Operation: "createAdminPlatformModelForPlatform", Status: 201})
	}
	for kind, body := range map[string]string{
		"chat":                     `{"model":"thinker","messages":[{"role":"user","content":"four"}],"max_tokens":100,"n":2}`,
		"a prompt":                 `{"kind":"chat.completions","model":"thinker","prompt":"four","max_tokens":7}`,
		"responses":                `{"kind":"responses","model":"thinker","input":"four","max_output_tokens":50}`,
		"messages":                 `{"kind":"messages","model":"thinker","messages":[{"role":"user","content":"four"}],"max_tokens":100}`,
		"messages without a limit": `{"kind":"messages","model":"thinker","prompt":"four"}`,
		"contents":                 `{"kind":"generate_content","model":"thinker","contents":[{"parts":[{"text":"four"}]}],"generationConfig":{"maxOutputTokens":50,"candidateCount":2}}`,
		"a prompt for contents":    `{"kind":"generate_content","model":"thinker","prompt":"four"}`,
		"embeddings":               `{"kind":"embeddings","model":"sim-embed","input":["four","four"]}`,
		"images":                   `{"kind":"images.generations","model":"painter","prompt":"x","n":3,"size":"1536x1024","quality":"high"}`,
		"edits":                    `{"kind":"images.edits","model":"painter","prompt":"x","image":"data:image/png;base64,iVBORw0KGgo=","size":"1024x1024"}`,
		"videos":                   `{"kind":"videos.generations","model":"filmer","prompt":"x","duration":8,"size":"1920x1080"}`,
		"speech":                   `{"kind":"audio.speech","model":"sim-tts","input":"A text to be spoken."}`,
		"transcriptions":           `{"kind":"audio.transcriptions","model":"sim-stt","seconds":90.5}`,
		"rerank":                   `{"kind":"rerank","model":"sim-rerank","query":"q","documents":["a","b"]}`,
		"completions":              `{"kind":"completions","model":"thinker","prompt":["four","four"],"max_tokens":7}`,
		"variations":               `{"kind":"images.variations","model":"painter","n":2,"size":"1024x1024","quality":"high"}`,
		"translations":             `{"kind":"audio.translations","model":"sim-stt","seconds":30}`,
		"moderations":              `{"kind":"moderations","model":"judge","input":"four"}`,
		"simulated":                `{"kind":"videos.generations","model":"filmer","prompt":"x","seconds":"4","resolution":"720p","runMode":"simulation"}`,
	} {
		d.ask(surfacetest.Request{Name: "estimate of " + kind, As: "key", Method: post, Path: "/api/v1/pricing/estimate", Body: body, Operation: "estimatePricing", Status: 200, Golden: true})
	}
	for _, c := range []struct {
		name, body, code, at string
		status               int
	}{
		{"kind", `{"kind":"mind.reading","model":"thinker"}`, "invalid_parameter", "kind", 400},
		{"kind of another type", `{"kind":5}`, "invalid_json", "kind", 400},
		{"no model", `{"kind":"rerank"}`, "invalid_parameter", "model", 400},
		{"a model that is not there", `{"model":"nothing","prompt":"x"}`, "model_not_found", "model", 404},
		{"a model for something else", `{"kind":"videos.generations","model":"painter","prompt":"x"}`, "model_not_found", "model", 404},
		{"a message of the wrong shape", `{"kind":"messages","model":"thinker","messages":{}}`, "invalid_parameter", "messages", 400},
		{"contents without a model", `{"kind":"generate_content","contents":[]}`, "invalid_parameter", "model", 400},
		{"contents of the wrong shape", `{"kind":"generate_content","model":"thinker","contents":5}`, "invalid_parameter", "contents", 400},
		{"count", `{"kind":"images.generations","model":"painter","prompt":"x","n":0}`, "invalid_parameter", "n", 400},
		{"size", `{"kind":"images.generations","model":"painter","prompt":"x","size":"0x0"}`, "price_dimension", "size", 400},
		{"a combination without a price", `{"kind":"images.generations","model":"painter","prompt":"x","size":"1536x1024","quality":"low"}`, "price_dimension", "size", 400},
		{"a size without a price", `{"kind":"images.generations","model":"painter","prompt":"x","size":"8x8"}`, "price_dimension", "size", 400},
		{"a recording of unknown length", `{"kind":"audio.transcriptions","model":"sim-stt"}`, "invalid_parameter", "seconds", 400},
	} {
		d.ask(surfacetest.Request{Name: "estimate: " + c.name, As: "key", Method: post, Path: "/api/v1/pricing/estimate", Body: c.body, Operation: "estimatePricing", Status: c.status, Code: c.code, At: c.at})
	}
	d.ask(surfacetest.Request{Name: "estimate as nobody", Method: post, Path: "/api/v1/pricing/estimate", Body: `{}`, Operation: "estimatePricing", Status: 401, Code: "unauthorized"})
}
