package relay_test

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// mute is an upstream that is known to tell no usage in streams.
type mute struct{ *upstream }

func (mute) Shape() provider.Shape { return provider.Shape{} }

type muteAdapter struct{ adapter }

func (a muteAdapter) Open(acc provider.Account) (provider.Upstream, error) {
	return mute{a.by[acc.BaseURL]}, nil
}

// markedJournal remembers what was marked.
type markedJournal struct {
	relay.Journal
	mu    sync.Mutex
	marks []money.Amount
}

func (j *markedJournal) Mark(m *journal.Mark) journal.Ticket {
	j.mu.Lock()
	j.marks = append(j.marks, m.Amount)
	j.mu.Unlock()
	return j.Journal.Mark(m)
}

// newCounting returns a bench whose first upstream serves gpt-4o.
func newCounting(t *testing.T, muted bool) (*bench, *markedJournal) {
	t.Helper()
	j := &markedJournal{}
	b := newBench(t, "1", relay.Limits{}, func(o *relay.Options) { j.Journal, o.Journal = o.Journal, j })
	b.use(func(s *relay.Sources) {
		s.Models[0].ProviderModelName = "gpt-4o"
		if muted {
			s.Adapters["test"] = muteAdapter{s.Adapters["test"].(adapter)} //nolint:forcetypeassert // the bench's
		}
	})
	return b, j
}

const (
	sentence = "The relay takes a caller's request to an upstream and back, and leaves behind exactly one record. "
	satz     = "网关把调用方的请求送到上游再带回来，并且只留下一条记录。"
	russian  = "Шлюз передаёт запрос и оставляет ровно одну запись о его стоимости. "
)

// saying returns the events of a stream that says text in pieces of n characters.
func saying(t *testing.T, text string, n int) []string {
	t.Helper()
	var out []string
	for r := []rune(text); len(r) > 0; {
		k := min(n, len(r))
		content, err := json.Marshal(string(r[:k]))
		if err != nil {
			t.Fatal(err)
		}
		r = r[k:]
		out = append(out, `data: {"choices":[{"index":0,"delta":{"content":`+string(content)+`},"finish_reason":null}]}`+"\n\n")
	}
	return out
}

const asked = `{"model":"m","max_tokens":9000,"stream":true,"messages":[{"role":"user","content":"hi"}]}`

// inputOf is what `asked` counts as: hi, a message around it, and the end.
const inputOf = 1 + 4 + 3

func TestStreamsWithoutUsageAreCountedExactly(t *testing.T) {
	t.Parallel()
	for _, muted := range []bool{true, false} {
		for name, text := range map[string]string{"zh": strings.Repeat(satz, 20), "short": "hello there"} {
			b, _ := newCounting(t, muted)
			b.first.answer = always(200, strings.Join(saying(t, text, 4), "")+bareBy+done)
			b.ask(t.Context(), asked)
			u := b.record(t).Task.Usage
			if got, want := u.Quantities[inference.TextOutput], tokens.Count(tokens.O200k, text); got != want || !u.Estimated {
				t.Errorf("%s, muted %v: %d tokens, want %d: %+v", name, muted, got, want, u)
			}
			if got := u.Quantities[inference.TextInput]; got < inputOf || got > inputOf+10 || muted && got != inputOf {
				t.Errorf("%s, muted %v: %d input tokens", name, muted, got)
			}
		}
	}
}

func TestWholeAnswersWithoutUsageAreCountedExactly(t *testing.T) {
	t.Parallel()
	b, _ := newCounting(t, true)
	b.first.answer = always(200, `{"choices":[{"message":{"content":"`+strings.Repeat(sentence, 50)+`"}}]}`)
	b.ask(t.Context(), strings.Replace(asked, `"stream":true,`, "", 1))
	r := b.record(t)
	u := r.Task.Usage
	if u.Quantities[inference.TextOutput] != tokens.Count(tokens.O200k, strings.Repeat(sentence, 50)) ||
		u.Quantities[inference.TextInput] != inputOf || !u.Estimated || r.Task.BillReason != "estimated" {
		t.Errorf("%+v, %s", u, r.Task.BillReason)
	}
}

// TestMarksAreNeverAboveTheCharge: whatever is said, wherever the stream is cut or the caller leaves, a crash a moment
// earlier would not have cost more; and an upstream that is known to be mute is charged what was delivered, to the token.
func TestMarksAreNeverAboveTheCharge(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		text := strings.Repeat([]string{sentence, satz, russian, "    \t\n", "0123456789", "{\"a\": [1, 2]}\n"}[i%6], 60)
		parts := saying(t, text, 1+random.IntN(12))
		parts = parts[:1+random.IntN(len(parts))]
		muted, leaves := i%4 < 2, i%3 == 0
		b, j := newCounting(t, muted)
		b.first.answer = func(ctx context.Context, _ *provider.Call) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: brokenOff(ctx, strings.Join(parts, ""), leaves)}, nil
		}
		ctx, leave := context.WithCancel(t.Context())
		w := httptest.NewRecorder()
		if leaves {
			b.serve(ctx, &leavesAtOnce{ResponseRecorder: w, after: 0, leave: leave}, openai.Chat, asked)
		} else {
			b.serve(ctx, w, openai.Chat, asked)
		}
		leave()
		r := b.record(t)
		for _, m := range j.marks {
			if m > r.Task.Charged {
				t.Errorf("%d: a mark of %d, charged %d (%s)", i, m, r.Task.Charged, r.Task.BillReason)
			}
		}
		sent := tokens.Count(tokens.O200k, spokenIn(t, w.Body.String()))
		got := r.Task.Usage.Quantities[inference.TextOutput]
		if muted && (got < sent || got > sent+64) {
			t.Errorf("%d: %d tokens were delivered, %d charged (%s)", i, sent, got, r.Task.BillReason)
		}
		if r.Task.Charged == 0 || holdsOf(b) != 0 {
			t.Errorf("%d: charged %d, %d holds open", i, r.Task.Charged, holdsOf(b))
		}
	}
}

func holdsOf(b *bench) int {
	n, _ := b.book.Holds()
	return int(n)
}

// brokenOff is a body that breaks off, or that stays silent until the caller leaves.
func brokenOff(ctx context.Context, text string, silent bool) io.ReadCloser {
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, text)
		if silent {
			<-ctx.Done()
		}
		_ = w.CloseWithError(io.ErrUnexpectedEOF)
	}()
	return r
}

// leavesAtOnce is a caller that takes some writes and leaves during the next.
type leavesAtOnce struct {
	*httptest.ResponseRecorder
	after int
	leave context.CancelFunc
}

func (q *leavesAtOnce) Write(p []byte) (int, error) {
	n, err := q.ResponseRecorder.Write(p)
	if q.after--; q.after < 0 {
		q.leave()
	}
	return n, err
}

// spokenIn is the text of a stream's events.
func spokenIn(t *testing.T, stream string) string {
	t.Helper()
	var out strings.Builder
	for line := range strings.Lines(stream) {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok || strings.Contains(data, `"error"`) {
			continue
		}
		var event struct {
			Choices []struct {
				Delta struct {
					Content string `json:"content"`
				} `json:"delta"`
			} `json:"choices"`
		}
		if err := json.Unmarshal([]byte(data), &event); err != nil {
			t.Fatal(err)
		}
		for _, c := range event.Choices {
			out.WriteString(c.Delta.Content)
		}
	}
	return out.String()
}
