package relay_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gosse "github.com/tmaxmax/go-sse"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

const (
	// cutAtOnce is how many of them are under way together.
	cutAtOnce = 128
	// maxUnseen is how many output tokens a caller who leaves may pay above what it got. Source: MONEY section 3.
	maxUnseen = 64
	cutPrompt = `{"model":"m","max_tokens":4000,"stream":true,"messages":[{"role":"user","content":"tell me"}]}`
)

// trial is one stream that is cut: the upstream breaks it off behind so many bytes, or the caller leaves behind so many.
type trial struct {
	text    string // what the upstream would say
	input   int64  // tokens of input in the upstream's usage; it is what is counted here, too
	output  int64
	cutAt   int // < 0: the upstream does not break off
	clean   bool
	leaveAt int // < 0: the caller stays
	piece   int // the most bytes that the upstream sends at a time
}

// words are what streams are made of: plain, wide, escaped.
var words = []string{"hello", " world", "\n", " \"quoted\"", "中文字", "é", "{", "}]", " a longer run of words", "\u2028", "data: x"}

func newTrial(random *rand.Rand, input int64) trial {
	var b strings.Builder
	var c openai.Count
	for range 1 + random.IntN(60) {
		word := words[random.IntN(len(words))]
		quoted, _ := json.Marshal(word) //nolint:errchkjson // a string
		c.AddPiece(quoted[1 : len(quoted)-1])
		_, _ = fmt.Fprintf(&b, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%s},\"finish_reason\":null}],\"usage\":null}\n\n", quoted)
		if random.IntN(10) == 0 {
			b.WriteString(": alive\n\n")
		}
	}
	tr := trial{input: input, output: c.Tokens(), cutAt: -1, leaveAt: -1, piece: 1 + random.IntN(2000), clean: random.IntN(2) == 0}
	b.WriteString(event(`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}`))
	if random.IntN(4) > 0 {
		b.WriteString(event(fmt.Sprintf(`{"choices":[],"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}`,
			tr.input, tr.output, tr.input+tr.output)))
	}
	tr.text = b.String() + done
	if random.IntN(2) == 0 {
		tr.cutAt = random.IntN(len(tr.text) + 1)
	} else {
		tr.leaveAt = random.IntN(len(tr.text) + 1)
	}
	return tr
}

type trialKey struct{}

// cutTransport answers each request with the stream of its trial. Requests of one trial are its attempts.
type cutTransport struct{}

func (cutTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	tr := req.Context().Value(trialKey{}).(*trial) //nolint:forcetypeassert // every request is made with one
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}},
		Body: &cutBody{ctx: req.Context(), trial: tr, left: tr.text},
	}, nil
}

// cutBody is an upstream's stream that ends where its trial says.
type cutBody struct {
	ctx   context.Context //nolint:containedctx // the body is the request's
	trial *trial
	left  string
}

func (b *cutBody) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n := min(len(p), len(b.left), b.trial.piece)
	if b.trial.cutAt >= 0 {
		n = min(n, b.trial.cutAt-(len(b.trial.text)-len(b.left)))
	}
	if n == 0 {
		if b.trial.clean || b.left == "" {
			return 0, io.EOF
		}
		return 0, io.ErrUnexpectedEOF
	}
	copy(p, b.left[:n])
	b.left = b.left[n:]
	return n, nil
}

func (*cutBody) Close() error { return nil }

var errLeft = errors.New("the caller has left")

// leavingCaller takes bytes through a buffer such as a server's, and leaves behind as many as its trial says.
type leavingCaller struct {
	header http.Header
	status int
	buffer *bufio.Writer
	got    bytes.Buffer
	most   int // < 0: it stays
	leave  context.CancelFunc
}

func newLeavingCaller(most int, leave context.CancelFunc) *leavingCaller {
	c := &leavingCaller{header: http.Header{}, most: most, leave: leave}
	c.buffer = bufio.NewWriterSize(callerConn{c}, 4<<10)
	return c
}

func (c *leavingCaller) Header() http.Header         { return c.header }
func (c *leavingCaller) WriteHeader(status int)      { c.status = status }
func (c *leavingCaller) Write(p []byte) (int, error) { return c.buffer.Write(p) }
func (c *leavingCaller) FlushError() error           { return c.buffer.Flush() }

// callerConn is the caller's connection.
type callerConn struct{ *leavingCaller }

func (c callerConn) Write(p []byte) (int, error) {
	n := len(p)
	if c.most >= 0 {
		n = min(n, c.most-c.got.Len())
	}
	c.got.Write(p[:n])
	if n < len(p) {
		c.leave()
		return n, errLeft
	}
	return n, nil
}

// TestStreamsCutAtRandomBytesAreChargedRight cuts streams from both sides, and checks each charge against what the caller
// got, and all of them against the wallet.
func TestStreamsCutAtRandomBytesAreChargedRight(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := newRig(t, "http://upstream.invalid/v1", cutTransport{}, relay.Limits{})
	r.returned = make(chan struct{}, cutStreams)
	input := inputTokens(t, cutPrompt)
	callers := make([]*leavingCaller, cutStreams)
	trials := make([]trial, cutStreams)
	var next atomic.Int64
	var all sync.WaitGroup
	for worker := range cutAtOnce {
		all.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(worker)))
			for i := next.Add(1) - 1; i < cutStreams; i = next.Add(1) - 1 {
				trials[i] = newTrial(random, input)
				callers[i] = r.cut(t, i, &trials[i])
			}
		})
	}
	all.Wait()
	records := r.written(t, cutStreams)
	if len(records) != cutStreams {
		t.Fatalf("%d records of %d streams", len(records), cutStreams)
	}
	r.conserved(t, records)
	endings := map[string]int{}
	for _, rec := range records {
		var i int
		if _, err := fmt.Sscanf(rec.Task.RequestID, "cut-%d", &i); err != nil {
			t.Fatal(err)
		}
		endings[rec.Task.BillReason]++
		if wrong := trials[i].judge(callers[i], rec); wrong != "" {
			t.Errorf("%s: %+v, charged %d as %q, got %q", wrong, trials[i], rec.Task.Charged, rec.Task.BillReason, callers[i].got.Bytes())
			return
		}
	}
	for _, ending := range []string{"", "usage", "estimated", "cut", "client_gone"} {
		if endings[ending] == 0 {
			t.Errorf("no stream ended as %q: %v", ending, endings)
		}
	}
}

// cut runs one trial.
func (r *rig) cut(t *testing.T, i int64, tr *trial) *leavingCaller {
	t.Helper()
	ctx, leave := context.WithCancel(context.WithValue(t.Context(), trialKey{}, tr))
	defer leave()
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/chat/completions", strings.NewReader(cutPrompt))
	req.Header.Set("Authorization", "Bearer good")
	req.Header.Set("Content-Type", "application/json")
	c := newLeavingCaller(tr.leaveAt, leave)
	r.relay.Serve(c, req, relay.Operation{Format: openai.Chat, Scope: identity.ScopeChat}, relay.Caller{RequestID: fmt.Sprintf("cut-%d", i)})
	_ = c.FlushError() // as a server does when its handler returns
	r.returned <- struct{}{}
	return c
}

// judge says what is wrong with a charge; "" is nothing.
func (tr *trial) judge(c *leavingCaller, rec *journal.Record) string {
	got, ended := tokensOf(c.got.Bytes())
	charged := rec.Task.Charged
	least, most := cost(tr.input, got), cost(tr.input, got)
	switch rec.Task.BillReason {
	case "": // nothing was sent
		if got > 0 || c.status == http.StatusOK {
			return "an answer that is free"
		}
		least, most = 0, 0
	case "client_gone":
		most = cost(tr.input, got+maxUnseen)
		if tr.leaveAt < 0 {
			return "the caller did not leave"
		}
	case "cut":
		if ended || tr.cutAt < 0 || !strings.Contains(c.got.String(), `{"error"`) {
			return "not a stream that was cut"
		}
	default: // complete: what the caller got is everything, unless it left at the very end
		if got != tr.output && tr.leaveAt < 0 {
			return "not complete"
		}
		most = max(most, cost(tr.input, min(tr.output, got+maxUnseen)))
	}
	if charged < least || charged > most {
		return fmt.Sprintf("outside of %d to %d", least, most)
	}
	return ""
}

// tokensOf counts the text that arrived, and tells whether [DONE] did.
func tokensOf(body []byte) (tokens int64, ended bool) {
	var c openai.Count
	for e, err := range gosse.Read(bytes.NewReader(body), nil) {
		if err != nil {
			break
		}
		var chunk struct {
			Choices []struct {
				Delta struct {
					Content json.RawMessage `json:"content"`
				} `json:"delta"`
			} `json:"choices"`
		}
		ended = ended || e.Data == "[DONE]"
		if json.Unmarshal([]byte(e.Data), &chunk) == nil && len(chunk.Choices) == 1 && len(chunk.Choices[0].Delta.Content) > 2 {
			raw := chunk.Choices[0].Delta.Content
			c.AddPiece(raw[1 : len(raw)-1])
		}
	}
	return c.Tokens(), ended
}
