package e2e

import (
	"cmp"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/testkit/fakeanthropic"
	"github.com/gantry-ai/gantry/internal/testkit/fakegemini"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

// conformanceFamily is one kind of upstream with a platform of its own.
type conformanceFamily struct {
	title string
	// plain, sees and reasons are the names of its models: an ordinary one, one that sees pictures, one that reasons.
	plain, sees, reasons string
	// shows says that the reasoning model shows what it has thought; others only tell how much.
	shows bool
	// unasked says that it thinks, and shows it, even where nobody says how much.
	unasked bool
	// seal is what must come back of that; "" where nothing must.
	seal string
	// tooLong is the plain model where it finds every prompt too long.
	tooLong  string
	protocol *upstreamProtocol

	ears *ears
}

func (f *conformanceFamily) model(scenario string) string {
	switch scenario {
	case "vision":
		return f.sees
	case "reasoning":
		return f.reasons
	case "error":
		return f.tooLong
	}
	return f.plain
}

// conformanceFamilies connects a platform of each family.
func conformanceFamilies(t *testing.T, in *installation) []*conformanceFamily {
	t.Helper()
	return []*conformanceFamily{
		in.family(t, familyOptions{
			title: "OpenAI chat completions", provider: "openai", path: "/v1", fake: fakeopenai.New(fakeopenai.Options{}),
			credentials: map[string]any{"apiKey": fakeopenai.DefaultKey}, types: []string{"chat"},
			config: map[string]any{"maxTokensParam": "max_completion_tokens"}, plain: "gpt-4o-mini", sees: "gpt-4o-mini", reasons: "o4-mini",
			protocol: chatProtocol,
		}),
		in.family(t, familyOptions{
			title: "Anthropic", provider: "anthropic", fake: fakeanthropic.New(fakeanthropic.Options{}),
			credentials: map[string]any{"apiKey": fakeanthropic.DefaultKey}, types: []string{"chat"},
			plain: "claude-haiku-4-5", sees: "claude-haiku-4-5", reasons: "claude-sonnet-4-5", shows: true,
			seal: fakeanthropic.Signature(fakeanthropic.Thought), protocol: messagesProtocol,
		}),
		in.family(t, familyOptions{
			title: "Gemini", provider: "gemini", path: "/v1beta", fake: fakegemini.New(fakegemini.Options{}),
			credentials: map[string]any{"apiKey": fakegemini.DefaultKey}, types: []string{"chat"},
			plain: "gemini-2.5-flash", sees: "gemini-2.5-flash", reasons: "gemini-3-pro-preview", shows: true, unasked: true, atOnce: 2,
			seal: fakegemini.Signature, protocol: geminiProtocol,
		}),
		in.family(t, familyOptions{
			title: "OpenAI responses", provider: "openai", path: "/v1", fake: fakeopenai.New(fakeopenai.Options{}),
			credentials: map[string]any{"apiKey": fakeopenai.DefaultKey}, types: []string{"responses"},
			plain: "gpt-4o-mini", sees: "gpt-4o-mini", reasons: "o4-mini", shows: true,
			seal: fakeopenai.Sealed, protocol: responsesProtocol,
		}),
	}
}

// familyOptions describe a family.
type familyOptions struct {
	title, provider, path string
	fake                  http.Handler
	credentials, config   map[string]any
	types                 []string
	plain, sees, reasons  string // the upstream's names of the models
	shows, unasked        bool
	seal                  string
	protocol              *upstreamProtocol
	atOnce                int // pieces of a stream that are sent before a pause; 0 is usualPieces
}

// family starts the fake and makes it a platform, whose models have the family's name in theirs.
func (in *installation) family(t *testing.T, o familyOptions) *conformanceFamily {
	t.Helper()
	f := &conformanceFamily{title: o.title, shows: o.shows, unasked: o.unasked, seal: o.seal, protocol: o.protocol, ears: &ears{Handler: o.fake, atOnce: cmp.Or(o.atOnce, usualPieces)}}
	server := httptest.NewServer(f.ears)
	t.Cleanup(server.Close)
	var p struct {
		ID string `json:"id"`
	}
	platform := map[string]any{"provider": o.provider, "name": o.title, "baseUrl": server.URL + o.path, "credentials": o.credentials}
	if o.config != nil {
		platform["config"] = o.config
	}
	in.call(http.MethodPost, "/api/admin/platforms", in.admin, platform, &p, 201)
	alias := func(name string) string { return strings.ReplaceAll(strings.ToLower(o.title), " ", "-") + "." + name }
	tooLong := o.plain + "--context"
	for name := range maps.Keys(map[string]bool{o.plain: true, o.sees: true, o.reasons: true, tooLong: true}) {
		in.call(http.MethodPost, "/api/admin/platforms/"+p.ID+"/models", in.admin, map[string]any{
			"modelAlias": alias(name), "providerModelName": name, "modelType": o.types, "enabled": true,
		}, nil, 201)
	}
	f.plain, f.sees, f.reasons, f.tooLong = alias(o.plain), alias(o.sees), alias(o.reasons), alias(tooLong)
	return f
}

func keysOf(m map[string]string) iter.Seq[string] { return maps.Keys(m) }
