package translate_test

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/bedrock"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
	"github.com/gantry-ai/gantry/internal/wire/ollama"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// FuzzBridges: whatever callers and upstreams say, what goes on is JSON, and nothing breaks.
func FuzzBridges(f *testing.F) {
	f.Add([]byte(messagesAsk), []byte(`{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}`), []byte(whole))
	f.Add([]byte(itemsAsk), []byte(`{"output":[{"type":"message","content":[{"type":"output_text","text":"a","logprobs":[{"token":"a"}]}]}],"status":"completed"}`),
		[]byte(messageStream("end_turn")))
	f.Add([]byte(contentsAsk), []byte(`{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP","logprobsResult":{"chosenCandidates":[{"token":"a"}]}}]}`),
		[]byte(`data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"a b","args":{"input":"x"}}}]},"finishReason":"STOP"}]}`+"\n\n"))
	f.Add([]byte(grammar), []byte(`{"content":[{"type":"tool_use","id":"t","name":"patch","input":{"input":"x"}}],"stop_reason":"tool_use"}`), []byte(
		chunk(`{"tool_calls":[{"index":0,"id":"c","function":{"name":"patch","arguments":"{\"input\":\"a"}}]}`, "null")+
			chunk(`{"tool_calls":[{"index":0,"function":{"arguments":"\\n\"}"}}]}`, `"tool_calls"`)))
	upstreams := []wire.UpstreamCodec{openai.ChatCodec, openai.ResponsesCodec, anthropic.Codec, gemini.Codec, bedrock.Codec, ollama.Codec}
	f.Fuzz(func(t *testing.T, body, answer, stream []byte) {
		for _, caller := range codecs {
			for _, upstream := range upstreams {
				b := bridgeOf(caller, upstream)
				b.Policy = wire.DropLosses
				x, err := b.Request(body, "m", false, 0)
				if err != nil {
					continue
				}
				if !json.Valid(x.Body) {
					t.Fatalf("%s to %s %s: %s becomes %s", caller.Kind(), upstream.Dialect(), upstream.Kind(), body, x.Body)
				}
				if out, err := x.Answer(answer); err == nil && !json.Valid(out) {
					t.Fatalf("%s from %s %s: %s becomes %s", caller.Kind(), upstream.Dialect(), upstream.Kind(), answer, out)
				}
				_, _ = io.Copy(io.Discard, x.Stream(io.NopCloser(bytes.NewReader(stream))))
			}
		}
	})
}
