package vertex

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	claudes "github.com/gantry-ai/gantry/internal/provider/anthropic"
	"github.com/gantry-ai/gantry/internal/provider/gemini"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

const (
	anthropic     = "anthropic"
	claudeVersion = "vertex-2023-10-16"
)

// Claude is the adapter "vertex-claude": Claude, in Anthropic's dialect.
type Claude struct{ signer }

type claude struct{ *account }

// Open checks the account. It asks for no token.
func (a Claude) Open(acc provider.Account) (provider.Upstream, error) {
	o, err := a.open(&acc, false)
	if err != nil {
		return nil, err
	}
	return &claude{o}, nil
}

// betaHeader is the caller's header that goes out, as far as it names what has no price or account of its own. With Vertex AI
// betas are named where Anthropic has them.
const betaHeader = "Anthropic-Beta"

// Send makes one call. Errors are those of provider.SendError.
func (u *claude) Send(ctx context.Context, c *provider.Call) (*http.Response, error) {
	if c.Kind != inference.Messages {
		return nil, errKind
	}
	t := target{publisher: anthropic, model: c.Model, action: "rawPredict", body: forClaude(c.Body), stream: c.Stream}
	if c.Stream {
		t.action = "streamRawPredict"
	}
	if betas := claudes.UsualBetas(u.header[betaHeader], c.Header[betaHeader]); len(betas) > 0 {
		t.header = http.Header{betaHeader: {strings.Join(betas, ",")}}
	}
	return u.send(ctx, &t)
}

var claudeKeys = jsonscan.NewKeys("model", "anthropic_version")

// forClaude returns a request as Vertex AI wants it: the model is in the address, and the version in the body.
func forClaude(body []byte) []byte {
	var out [2]jsonscan.Field
	members, at, err := claudeKeys.Scan(body, out[:])
	if err != nil {
		return body
	}
	var list []jsonscan.Edit
	version := []byte(`"anthropic_version":"` + claudeVersion + `"`)
	switch {
	case out[1].Found():
		list = append(list, jsonscan.Edit{Field: out[1], Text: []byte(`"` + claudeVersion + `"`)})
	case out[0].Found(): // in the place of the model
		list = append(list, jsonscan.Edit{Field: jsonscan.Field{Start: jsonscan.Key(body, out[0]).Start, End: out[0].End}, Text: version})
		return jsonscan.Apply(nil, body, list...)
	case members > 0:
		list = append(list, jsonscan.Edit{At: at, Text: append(version, ',')})
	default:
		list = append(list, jsonscan.Edit{At: at, Text: version})
	}
	if out[0].Found() {
		list = append(list, jsonscan.Edit{Field: jsonscan.Member(body, out[0])})
	}
	return jsonscan.Apply(nil, body, list...)
}

// anthropics are the types of Anthropic's errors. Source: the provider sheet "anthropic".
var anthropics = map[string]inference.Category{
	"invalid_request_error": inference.InvalidRequest, "authentication_error": inference.Authentication,
	"permission_error": inference.Permission, "billing_error": inference.QuotaExhausted, "not_found_error": inference.NotFound,
	"request_too_large": inference.InvalidRequest, "rate_limit_error": inference.RateLimited, "api_error": inference.ServerError,
	"timeout_error": inference.Timeout, "overloaded_error": inference.Overloaded,
}

// Classify reads an error answer, which is Google's or Anthropic's.
func (u *claude) Classify(r *http.Response, body []byte) provider.Outcome {
	o := gemini.Classify(r, body, u.secrets...)
	var e struct {
		Error struct {
			Type    string `json:"type"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &e) != nil {
		return o
	}
	if c, ok := anthropics[e.Error.Type]; ok {
		o.Category, o.Code = c, provider.CleanCode(e.Error.Type)
		o.Message = provider.Scrub(e.Error.Message, u.secrets...)
	}
	if o.Category == inference.InvalidRequest && isTooLong(o.Message) {
		o.Category = inference.ContextLength
	}
	return o
}

// Shape says that streams tell their usage; they do so unasked.
func (u *claude) Shape() provider.Shape { return provider.Shape{StreamUsage: true} }

var (
	_ provider.Adapter = Claude{}
	_ provider.Shaper  = (*claude)(nil)
)
