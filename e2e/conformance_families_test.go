package e2e

import (
	"cmp"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/testkit/fakeanthropic"
	"github.com/gantry-ai/gantry/internal/testkit/fakeazure"
	"github.com/gantry-ai/gantry/internal/testkit/fakebedrock"
	"github.com/gantry-ai/gantry/internal/testkit/fakegemini"
	"github.com/gantry-ai/gantry/internal/testkit/fakeollama"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

// conformanceFamily is one kind of upstream with a platform of its own.
type conformanceFamily struct {
	title string
	// plain, reasons and formats are the names of its models: an ordinary one, one that reasons, and one that answers by schemas.
	plain, reasons, formats string
	// shows says that the reasoning model shows what it has thought; others only tell how much.
	shows bool
	// unasked says that it thinks, and shows it, even where nobody says how much.
	unasked bool
	// seal is what must come back of that; "" where nothing must.
	seal string
	// tooLong is the plain model where it finds every prompt too long.
	tooLong  string
	protocol *upstreamProtocol
	// cannot are scenarios that the upstream refuses, with words of its refusal.
	cannot map[string]string

	ears *ears
}

func (f *conformanceFamily) model(scenario string) string {
	switch scenario {
	case "reasoning":
		return f.reasons
	case "structured":
		return f.formats
	case "error":
		return f.tooLong
	}
	return f.plain
}

// conformanceFamilies connects a platform of each family.
func conformanceFamilies(t *testing.T, in *installation) []*conformanceFamily {
	t.Helper()
	var out []*conformanceFamily
	for _, o := range []func() *familyOptions{
		openAIChat, anthropicMessages, geminiAPI, openAIResponses, azureOpenAI, bedrockConverse, bedrockClaude, vertexGemini, vertexClaude,
		ollamaChat, deepSeek,
	} {
		out = append(out, in.family(t, o()))
	}
	return out
}

func openAIChat() *familyOptions {
	return &familyOptions{
		title: "OpenAI chat completions", provider: "openai", path: "/v1", fake: fakeopenai.New(fakeopenai.Options{}),
		credentials: key(fakeopenai.DefaultKey), types: []string{"chat"}, config: map[string]any{"maxTokensParam": "max_completion_tokens"},
		plain: "gpt-4o-mini", reasons: "o4-mini", protocol: chatProtocol,
	}
}

func openAIResponses() *familyOptions {
	return &familyOptions{
		title: "OpenAI responses", provider: "openai", path: "/v1", fake: fakeopenai.New(fakeopenai.Options{}),
		credentials: key(fakeopenai.DefaultKey), types: []string{"responses"},
		plain: "gpt-4o-mini", reasons: "o4-mini", shows: true, seal: fakeopenai.Sealed, protocol: responsesProtocol,
	}
}

func azureOpenAI() *familyOptions {
	return &familyOptions{
		title: "Azure OpenAI", provider: "azure", fake: fakeazure.New(), types: []string{"chat"},
		credentials: map[string]any{"clientSecret": fakeazure.ClientSecret},
		settle: func(url string) map[string]any {
			return map[string]any{
				"apiVersion": "2024-10-21", "tenantId": fakeazure.Tenant, "clientId": fakeazure.ClientID, "tokenUrl": url + fakeazure.TokenPath,
			}
		},
		plain: "prod-4o-mini", reasons: "thinking", protocol: chatProtocol,
	}
}

func deepSeek() *familyOptions {
	return &familyOptions{
		title: "DeepSeek", provider: "deepseek", path: "/v1", types: []string{"chat"}, credentials: key(fakeopenai.DefaultKey),
		fake:  fakeopenai.New(fakeopenai.Options{Models: []string{fakeopenai.DeepSeekChat, fakeopenai.DeepSeekReasoner}}),
		plain: fakeopenai.DeepSeekChat, reasons: fakeopenai.DeepSeekReasoner, shows: true, unasked: true, seal: fakeopenai.Thought,
		protocol: chatProtocol, cannot: map[string]string{
			"structured": "This response_format type is unavailable now", "vision": "unknown variant `image_url`",
		},
	}
}

func anthropicMessages() *familyOptions {
	return &familyOptions{
		title: "Anthropic", provider: "anthropic", fake: fakeanthropic.New(fakeanthropic.Options{}),
		credentials: key(fakeanthropic.DefaultKey), types: []string{"chat"}, plain: "claude-haiku-4-5", reasons: "claude-sonnet-4-5",
		shows: true, seal: fakeanthropic.Signature(fakeanthropic.Thought), protocol: messagesProtocol,
	}
}

func geminiAPI() *familyOptions {
	return &familyOptions{
		title: "Gemini", provider: "gemini", path: "/v1beta", fake: fakegemini.New(fakegemini.Options{}),
		credentials: key(fakegemini.DefaultKey), types: []string{"chat"}, plain: "gemini-2.5-flash", reasons: "gemini-3-pro-preview",
		shows: true, unasked: true, atOnce: 2, seal: fakegemini.Signature, protocol: geminiProtocol,
	}
}

// onVertex is a family of Vertex AI, whose account must know where its tokens are issued.
func onVertex(o familyOptions) *familyOptions {
	account := fakegemini.NewAccount("conformance")
	o.types = []string{"chat"}
	o.fake = fakegemini.New(fakegemini.Options{Account: account, Models: []string{o.plain, o.reasons}})
	o.credentials = map[string]any{"serviceAccount": account.JSON("https://oauth2.googleapis.com/token")}
	o.settle = func(url string) map[string]any {
		account.Audience = url + fakegemini.TokenPath
		return map[string]any{"location": "europe-west1", "tokenUrl": account.Audience}
	}
	return &o
}

func vertexGemini() *familyOptions {
	return onVertex(familyOptions{
		title: "Vertex AI (Gemini)", provider: "vertex", plain: "gemini-2.5-flash", reasons: "gemini-3-pro-preview",
		shows: true, unasked: true, atOnce: 2, seal: fakegemini.Signature, protocol: geminiProtocol,
	})
}

func vertexClaude() *familyOptions {
	return onVertex(familyOptions{
		title: "Vertex AI (Claude)", provider: "vertex-claude", plain: "claude-haiku-4-5@20251001", reasons: "claude-sonnet-4-5@20250929",
		shows: true, seal: fakeanthropic.Signature(fakeanthropic.Thought), protocol: messagesProtocol,
	})
}

func bedrockConverse() *familyOptions {
	return &familyOptions{
		title: "Bedrock (Converse)", provider: "bedrock", fake: &fakebedrock.Server{}, types: []string{"chat"},
		credentials: map[string]any{"accessKey": fakebedrock.AccessKey, "secretKey": fakebedrock.SecretKey},
		config:      map[string]any{"region": fakebedrock.Region}, plain: fakebedrock.OnDemand, reasons: fakebedrock.Profile, tooLong: "long",
		formats: fakebedrock.Profile,
		shows:   true, seal: fakeanthropic.Signature(fakeanthropic.Thought), protocol: converseProtocol,
	}
}

func bedrockClaude() *familyOptions {
	return &familyOptions{
		title: "Bedrock (Claude)", provider: "bedrock-claude", fake: &fakebedrock.Server{}, types: []string{"chat"},
		credentials: map[string]any{"accessKey": fakebedrock.AccessKey, "secretKey": fakebedrock.SecretKey},
		config:      map[string]any{"region": fakebedrock.Region}, plain: fakebedrock.Profile, reasons: fakebedrock.Profile, tooLong: "long",
		shows: true, seal: fakeanthropic.Signature(fakeanthropic.Thought), protocol: messagesProtocol,
	}
}

func ollamaChat() *familyOptions {
	return &familyOptions{
		title: "Ollama", provider: "ollama", fake: &fakeollama.Server{}, types: []string{"chat"}, plain: "llama3.2", reasons: "gpt-oss:20b",
		shows: true, seal: fakeollama.Thought, protocol: ollamaProtocol,
	}
}

func key(value string) map[string]any { return map[string]any{"apiKey": value} }

// familyOptions describe a family.
type familyOptions struct {
	title, provider, path string
	fake                  http.Handler
	credentials, config   map[string]any
	// settle returns the config where it depends on the address of the fake.
	settle         func(url string) map[string]any
	types          []string
	plain, reasons string // the upstream's names of the models
	formats        string // "" is plain
	cannot         map[string]string
	tooLong        string // the fault by which its prompts are too long; "" is "context"
	shows, unasked bool
	seal           string
	protocol       *upstreamProtocol
	atOnce         int // pieces of a stream that are sent before a pause; 0 is usualPieces
}

// family starts the fake and makes it a platform, whose models have the family's name in theirs.
func (in *installation) family(t *testing.T, o *familyOptions) *conformanceFamily {
	t.Helper()
	f := &conformanceFamily{
		title: o.title, shows: o.shows, unasked: o.unasked, seal: o.seal, protocol: o.protocol, cannot: o.cannot,
		ears: &ears{Handler: o.fake, atOnce: cmp.Or(o.atOnce, usualPieces)},
	}
	server := httptest.NewServer(f.ears)
	t.Cleanup(server.Close)
	if o.settle != nil {
		o.config = o.settle(server.URL)
	}
	var p struct {
		ID string `json:"id"`
	}
	platform := map[string]any{"provider": o.provider, "name": o.title, "baseUrl": server.URL + o.path}
	for name, value := range map[string]map[string]any{"credentials": o.credentials, "config": o.config} {
		if value != nil {
			platform[name] = value
		}
	}
	in.call(http.MethodPost, "/api/admin/platforms", in.admin, platform, &p, 201)
	alias := func(name string) string { return slug(o.title) + "." + slug(name) }
	tooLong := o.plain + "--" + cmp.Or(o.tooLong, "context")
	for name := range maps.Keys(map[string]bool{o.plain: true, o.reasons: true, tooLong: true}) {
		in.call(http.MethodPost, "/api/admin/platforms/"+p.ID+"/models", in.admin, map[string]any{
			"modelAlias": alias(name), "providerModelName": name, "modelType": o.types, "enabled": true,
		}, nil, 201)
	}
	f.plain, f.reasons, f.formats, f.tooLong = alias(o.plain), alias(o.reasons), alias(cmp.Or(o.formats, o.plain)), alias(tooLong)
	return f
}

var notInNames = regexp.MustCompile(`[^a-z0-9.]+`)

// slug is a name as models of Gantry can have it.
func slug(name string) string {
	return strings.Trim(notInNames.ReplaceAllString(strings.ToLower(name), "-"), "-")
}

func keysOf(m map[string]string) iter.Seq[string] { return maps.Keys(m) }
