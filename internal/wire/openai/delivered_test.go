package openai

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

const prose = "Say \"hello\" to 世界 — the relay\tkeeps\\counts 12345 exact, naïve or not.\n"

// streamOf feeds a text to a meter, a few characters to an event.
func streamOf(t *testing.T, m wire.Meter, text string) {
	t.Helper()
	for r := []rune(text); len(r) > 0; {
		n := min(3, len(r))
		content, err := json.Marshal(string(r[:n]))
		if err != nil {
			t.Fatal(err)
		}
		r = r[n:]
		data := `{"choices":[{"index":0,"delta":{"content":` + string(content) + `}}]}`
		if _, sign := m.Event([]byte("data: "+data+"\n\n"), []byte(data)); sign != wire.Goes {
			t.Fatalf("sign %d", sign)
		}
	}
}

// counter and counting are the abilities that the formats must have.
func counter(t *testing.T, m wire.Meter) wire.MeterCounter {
	t.Helper()
	c, ok := m.(wire.MeterCounter)
	if !ok {
		t.Fatal("the meter does not count")
	}
	return c
}

func counting(t *testing.T, f wire.Format) wire.Counting {
	t.Helper()
	c, ok := f.(wire.Counting)
	if !ok {
		t.Fatal("the format does not count")
	}
	return c
}

func TestStreamsAreCountedByTheVocabulary(t *testing.T) {
	t.Parallel()
	for _, noUsage := range []bool{true, false} {
		text := strings.Repeat(prose, 20)
		m := Chat.Meter(wire.MeterOptions{Family: tokens.O200k, NoUsage: noUsage})
		streamOf(t, m, text)
		want := tokens.Count(tokens.O200k, text)
		got := counter(t, m).Delivered()
		if got != want {
			t.Errorf("no usage %v: %d, want %d", noUsage, got, want)
		}
		if so := m.Result().OutputTokens; noUsage && (so > got || so < got-40) {
			t.Errorf("certain of %d of %d", so, got)
		}
		counter(t, m).Release()
	}
}

func TestLongStreamsAreEstimatedBeyondWhatIsKept(t *testing.T) {
	t.Parallel()
	text := strings.Repeat(prose, 1000)
	m, _ := Chat.Meter(wire.MeterOptions{Family: tokens.O200k}).(*meter)
	streamOf(t, m, text)
	if n := len(*m.text.kept); n > maxKept {
		t.Errorf("%d bytes are kept", n)
	}
	want := tokens.Count(tokens.O200k, text)
	if got := m.Delivered(); got < want*8/10 || got > want*12/10 {
		t.Errorf("%d, want about %d", got, want)
	}
	m.Release()
	other, _ := Chat.Meter(wire.MeterOptions{}).(*meter)
	streamOf(t, other, prose)
	if other.text != nil || other.Delivered() != other.Result().OutputTokens {
		t.Error("a model without a vocabulary is counted twice")
	}
}

func TestWholeAnswersAndInputAreCounted(t *testing.T) {
	t.Parallel()
	content, err := json.Marshal(prose)
	if err != nil {
		t.Fatal(err)
	}
	answer := []byte(`{"choices":[{"message":{"content":` + string(content) + `,"tool_calls":[{"function":{"name":"f","arguments":"{\"a\":1}"}}]}}]}`)
	count := func(s string) int64 { return tokens.Count(tokens.O200k, s) }
	if got, want := counting(t, Chat).CountAnswer(answer, tokens.O200k), count(prose+`f{"a":1}`); got != want {
		t.Errorf("answer %d, want %d", got, want)
	}
	body := []byte(`{"model":"m","messages":[{"role":"user","content":` + string(content) + `},{"role":"user","name":"ann","content":[{"type":"text","text":"hi"},{"type":"image_url","image_url":{"url":"x"}}]}]}`)
	ask, err := Chat.Peek(body)
	if err != nil {
		t.Fatal(err)
	}
	want := 2*perMessage + perRequest + count(prose) + count("ann") + count("hi") + ImageTokens
	if got := counting(t, Chat).CountInput(body, &ask, tokens.O200k); got != want {
		t.Errorf("input %d, want %d", got, want)
	}
	for input, want := range map[string]int64{`"hello world"`: 2, `["hello world","hi"]`: 3, `[1,2,3]`: 3, `[[1,2],[3]]`: 3} {
		body := []byte(`{"model":"m","input":` + input + `}`)
		ask, err := Embeddings.Peek(body)
		if got := counting(t, Embeddings).CountInput(body, &ask, tokens.Cl100k); err != nil || got != want {
			t.Errorf("%s: %d, want %d, %v", input, got, want, err)
		}
	}
	if counting(t, Embeddings).CountAnswer([]byte(`{"data":[]}`), tokens.Cl100k) != 0 {
		t.Error("embeddings have output")
	}
}
