package translate_test

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/sse"
	"github.com/gantry-ai/gantry/internal/wire/translate"
	"github.com/gantry-ai/gantry/internal/wire/wiretest"
)

// codecs are all protocols in which conversations are carried on.
var codecs = []wire.Codec{openai.ChatCodec, openai.ResponsesCodec, anthropic.Codec, gemini.Codec}

// rounds is how many random conversations each pair of protocols carries.
const rounds = 300

// pairs runs a test for every ordered pair, a protocol with itself included.
func pairs(t *testing.T, carry func(t *testing.T, b *translate.Bridge)) {
	t.Helper()
	for _, caller := range codecs {
		for _, upstream := range codecs {
			name := string(caller.Kind()) + " to " + string(upstream.Dialect()) + " " + string(upstream.Kind())
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				carry(t, &translate.Bridge{
					Caller: caller, Upstream: upstream, Options: wire.EncodeOptions{AskUsage: true, ModelOutput: 4096},
					Now: func() time.Time { return time.Unix(1_760_000_000, 0) },
				})
			})
		}
	}
}

// both is the upstream's codec with both its halves, which all of codecs have.
func both(b *translate.Bridge) wire.Codec {
	return b.Upstream.(wire.Codec) //nolint:forcetypeassert // see codecs
}

// crossed brings a random conversation over.
func crossed(t *testing.T, b *translate.Bridge, p *inference.Prompt, stream bool) *translate.Crossing {
	t.Helper()
	var none wire.Losses
	p.Stream, p.StreamUsage = stream, true
	body, err := b.Caller.EncodeRequest(p, wire.EncodeOptions{AskUsage: true}, &none)
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Request(body, p.Model, stream, 0)
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return c
}

// TestConversationsStayWhatTheyAre: text, tool calls, ids and their order arrive as they were sent.
func TestConversationsStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, b *translate.Bridge) {
		t.Helper()
		for seed := range uint64(rounds) {
			p := wiretest.NewSource(seed).Prompt()
			c := crossed(t, b, p, false)
			got, err := both(b).DecodeRequest(c.Body)
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, c.Body)
			}
			if g, w := wiretest.Said(got), wiretest.Said(p); g != w {
				t.Fatalf("seed %d: got\n%swant\n%s%s", seed, g, w, c.Body)
			}
			if len(c.Losses) > 0 {
				t.Errorf("seed %d: lost %+v", seed, c.Losses)
			}
		}
	})
}

// TestAnswersStayWhatTheyAre: so does what comes back, with its usage.
func TestAnswersStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, b *translate.Bridge) {
		t.Helper()
		for seed := range uint64(rounds) {
			s := wiretest.NewSource(seed)
			p, a := s.Prompt(), s.Answer()
			c := crossed(t, b, p, false)
			raw, err := both(b).EncodeAnswer(a, p)
			if err != nil {
				t.Fatal(err)
			}
			out, err := io.ReadAll(c.Whole(io.NopCloser(bytes.NewReader(raw))))
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, raw)
			}
			back, err := b.Caller.DecodeAnswer(out)
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, out)
			}
			if g, w := wiretest.Told(back), wiretest.Told(a); g != w {
				t.Fatalf("seed %d: got\n%swant\n%s%s\n%s", seed, g, w, raw, out)
			}
			if u, ok := c.Usage(); !ok || u.InputTokens() != a.Usage.InputTokens() || u.OutputTokens() != a.Usage.OutputTokens() {
				t.Errorf("seed %d: usage %+v, %v", seed, u, ok)
			}
		}
	})
}

// TestStreamsStayWhatTheyAre: and so does what comes back piece by piece, however the connection cuts it.
func TestStreamsStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, b *translate.Bridge) {
		t.Helper()
		for seed := range uint64(rounds) {
			s := wiretest.NewSource(seed)
			p, a := s.Prompt(), s.Answer()
			c := crossed(t, b, p, true)
			raw := streamOf(both(b), p, s.Deltas(a))
			var src io.Reader = bytes.NewReader(raw)
			if s.Coin(2) {
				src = iotest.OneByteReader(src)
			}
			out, err := io.ReadAll(c.Stream(io.NopCloser(src)))
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, raw)
			}
			back := wiretest.Fold(deltasOf(t, b.Caller, out))
			if g, w := wiretest.Told(back), wiretest.Told(a); g != w {
				t.Fatalf("seed %d: got\n%swant\n%s%s\n---\n%s", seed, g, w, raw, out)
			}
		}
	})
}

// TestCutStreamsAreNoAnswers cuts streams anywhere before their end.
func TestCutStreamsAreNoAnswers(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, b *translate.Bridge) {
		t.Helper()
		for seed := range uint64(rounds) {
			s := wiretest.NewSource(seed)
			p, a := s.Prompt(), s.Answer()
			c := crossed(t, b, p, true)
			deltas := s.Deltas(a)
			raw := streamOf(both(b), p, deltas)
			// What follows the last reason to stop is usage and a terminator, which some servers leave out.
			finished := streamOf(both(b), p, upToFinish(deltas))
			cut := raw[:s.IntN(len(finished)-3)]
			if _, err := io.ReadAll(c.Stream(io.NopCloser(bytes.NewReader(cut)))); err == nil {
				t.Fatalf("seed %d: a stream cut at %d of %d is complete\n%s", seed, len(cut), len(raw), cut)
			}
		}
	})
}

func upToFinish(deltas []inference.Delta) []inference.Delta {
	for i := range deltas {
		if deltas[i].Kind == inference.DeltaFinish {
			return deltas[:i]
		}
	}
	return deltas
}

func streamOf(c wire.Codec, p *inference.Prompt, deltas []inference.Delta) []byte {
	var out []byte
	e := c.StreamEncoder(p)
	for i := range deltas {
		out = e.Append(out, &deltas[i])
	}
	return out
}

func deltasOf(t *testing.T, c wire.Codec, raw []byte) []inference.Delta {
	t.Helper()
	var out []inference.Delta
	d := c.StreamDecoder()
	events := sse.NewReader(bytes.NewReader(raw), 1<<20)
	defer events.Release()
	for {
		e, err := events.Next()
		if err != nil {
			break
		}
		if len(e.Data) == 0 {
			continue
		}
		if out, err = d.Decode(out, e.Name, e.Data); err != nil {
			t.Fatalf("%v: %s", err, e.Data)
		}
	}
	out, err := d.Finish(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return out
}
