package translate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/bedrock"
	"github.com/gantry-ai/gantry/internal/wire/ollama"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/translate"
	"github.com/gantry-ai/gantry/internal/wire/wiretest"
)

func likely(a *inference.Answer) string {
	var out strings.Builder
	for _, p := range a.Candidates[0].Parts {
		for _, l := range p.Logprobs {
			fmt.Fprintf(&out, "%q %s %+v\n", l.Token, l.Value, l.Top)
		}
	}
	return out.String()
}

// TestTokensAndTheirProbabilities come back where both protocols have them, whole and streamed.
func TestTokensAndTheirProbabilities(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, b *translate.Bridge) {
		t.Helper()
		if b.Caller.Kind() == inference.Messages || b.Upstream.Kind() == inference.Messages {
			return // see TestProbabilitiesThatNobodyTells
		}
		for seed := range uint64(rounds / 3) {
			s := wiretest.NewSource(seed)
			p, a := s.Prompt(), s.Answer()
			two := int64(2)
			p.TopLogprobs = &two
			s.Logprobs(a)
			c := crossed(t, b, p, seed%2 == 0)
			asked, err := both(b).DecodeRequest(c.Body)
			if err != nil || asked.TopLogprobs == nil || *asked.TopLogprobs != 2 || len(c.Losses) > 0 {
				t.Fatalf("seed %d: %v %+v\n%s", seed, err, c.Losses, c.Body)
			}
			var back *inference.Answer
			if seed%2 == 0 {
				back = streamedBack(t, b, c, s, a, p)
			} else {
				back = wholeBack(t, b, c, a, p)
			}
			if g, w := likely(back), likely(a); g != w {
				t.Fatalf("seed %d: got\n%swant\n%s", seed, g, w)
			}
		}
	})
}

// TestProbabilitiesThatNobodyTells are a parameter that is dropped, with a word in the log, or refused.
func TestProbabilitiesThatNobodyTells(t *testing.T) {
	t.Parallel()
	const body = `{"model":"m","messages":[{"role":"user","content":"a"}],"logprobs":true,"top_logprobs":2}`
	for _, upstream := range []wire.UpstreamCodec{anthropic.Codec, bedrock.Codec, ollama.Codec} {
		b := bridgeOf(openai.ChatCodec, upstream)
		if c := asked(t, b, body); len(c.Losses) != 1 || c.Losses[0].Path != "logprobs" || strings.Contains(string(c.Body), "logprobs") {
			t.Errorf("%s: %s %+v", upstream.Dialect(), c.Body, c.Losses)
		}
		b.Policy = wire.RefuseLosses
		if _, err := b.Request([]byte(body), "m", false, 9); err == nil {
			t.Errorf("%s does not refuse", upstream.Dialect())
		}
	}
}

// TestTokensThatAreNoTexts keep their bytes between protocols that have them.
func TestTokensThatAreNoTexts(t *testing.T) {
	t.Parallel()
	c := asked(t, bridgeOf(openai.ResponsesCodec, openai.ChatCodec), `{"model":"m","input":"a","top_logprobs":1,"include":["message.output_text.logprobs"]}`)
	out, err := c.Answer([]byte(`{"id":"c","model":"m","created":1,"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"é"},` +
		`"logprobs":{"content":[{"token":"\\xc3","logprob":-1,"bytes":[195],"top_logprobs":[]},{"token":"\\xa9","logprob":-2.50,"bytes":[169],"top_logprobs":[]}],"refusal":null}}]}`))
	if err != nil || !strings.Contains(string(out), `"logprobs":[{"token":"\\xc3","logprob":-1,"bytes":[195],"top_logprobs":[]},{"token":"\\xa9","logprob":-2.50,"bytes":[169]`) {
		t.Errorf("%s: %v", out, err)
	}
}
