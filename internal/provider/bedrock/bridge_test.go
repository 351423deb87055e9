package bedrock

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/testkit/fakebedrock"
	"github.com/gantry-ai/gantry/internal/wire"
	conversewire "github.com/gantry-ai/gantry/internal/wire/bedrock"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/translate"
	"github.com/gantry-ai/gantry/internal/wire/wiretest"
)

// TestRandomConversationsAreTaken sends conversations of callers who speak OpenAI's protocol: Bedrock is strict about roles,
// ids, blank texts and results, and takes them all.
func TestRandomConversationsAreTaken(t *testing.T) {
	t.Parallel()
	u, err := Adapter{}.Open(fake(t, &fakebedrock.Server{}))
	if err != nil {
		t.Fatal(err)
	}
	bridge := translate.Bridge{Caller: openai.ChatCodec, Upstream: conversewire.Codec, Now: clock.System}
	for seed := range uint64(200) {
		p := wiretest.NewSource(seed).Prompt()
		body, err := openai.ChatCodec.EncodeRequest(p, wire.EncodeOptions{}, &wire.Losses{})
		if err != nil {
			t.Fatal(err)
		}
		stream := seed%2 == 0
		x, err := bridge.Request(body, fakebedrock.OnDemand, stream, 64)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		resp, err := u.Send(t.Context(), &provider.Call{Kind: inference.Chat, Model: fakebedrock.OnDemand, Stream: stream, Body: x.Body})
		if err != nil {
			t.Fatal(err)
		}
		from := x.Whole
		if stream {
			from = x.Stream
		}
		answer, err := readAll(resp, from)
		if resp.StatusCode != http.StatusOK || err != nil {
			t.Fatalf("seed %d: status %d, %v, %s\nwhich was %s", seed, resp.StatusCode, err, answer, x.Body)
		}
		usage, told := x.Usage()
		if !told || usage.InputTokens() != 12 || usage.OutputTokens() != 5 || !strings.Contains(answer, "Bedrock!") {
			t.Fatalf("seed %d: %+v, %v, %s", seed, usage, told, answer)
		}
		if stream && !strings.HasSuffix(answer, "data: [DONE]\n\n") {
			t.Fatalf("seed %d: the stream ends with %q", seed, answer[max(0, len(answer)-80):])
		}
	}
}

func readAll(resp *http.Response, read func(io.ReadCloser) io.ReadCloser) (string, error) {
	body := resp.Body
	if resp.StatusCode == http.StatusOK {
		body = read(body)
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	return string(text), err
}

// TestSchemasAreTaken: the schema of an answer goes to Bedrock as it has it.
func TestSchemasAreTaken(t *testing.T) {
	t.Parallel()
	u, err := Adapter{}.Open(fake(t, &fakebedrock.Server{}))
	if err != nil {
		t.Fatal(err)
	}
	bridge := translate.Bridge{Caller: openai.ChatCodec, Upstream: conversewire.Codec, Now: clock.System}
	x, err := bridge.Request([]byte(`{"model":"m","messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_schema",`+
		`"json_schema":{"name":"n","schema":{"type":"object","properties":{}}}}}`), fakebedrock.OnDemand, false, 64)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := u.Send(t.Context(), &provider.Call{Kind: inference.Chat, Model: fakebedrock.OnDemand, Body: x.Body})
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := readAll(resp, x.Whole); resp.StatusCode != http.StatusOK || err != nil {
		t.Errorf("status %d, %v, %s", resp.StatusCode, err, answer)
	}
}
