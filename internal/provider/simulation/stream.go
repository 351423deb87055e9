package simulation

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// stream is the body of a streamed answer. Nothing runs between reads: each read waits until its token is due, so a
// reader that stops costs nothing, and the context ends it at once.
type stream struct {
	ctx    context.Context //nolint:containedctx // a body belongs to one call
	now    clock.Clock
	plan   plan
	steps  []step
	next   int // of steps
	tokens int // sent
	start  time.Time
	head   []byte // of every event
	tail   []byte
	usage  []byte // the usage event; nil when it is not wanted
	text   []byte // rendered
	buf    []byte // what of it is not yet read
	err    error
}

// step is one event: a piece of a choice, or its end.
type step struct {
	choice int
	delta  string // JSON
	finish string
	token  bool
}

func newStream(ctx context.Context, now clock.Clock, c *completion, includeUsage bool, p plan) *stream {
	s := &stream{ctx: ctx, now: now, plan: p, start: now().Add(p.firstToken())}
	s.head = jsondoc.AppendString([]byte(`data: {"id":`), c.id)
	s.head = append(s.head, `,"object":"chat.completion.chunk","created":`...)
	s.head = strconv.AppendInt(s.head, c.created, 10)
	s.head = jsondoc.AppendString(append(s.head, `,"model":`...), c.model)
	s.head = append(s.head, `,"system_fingerprint":"`+fingerprint+`","choices":[`...)
	s.tail = []byte("]}\n\n")
	if includeUsage && c.usage != nil {
		s.tail = []byte("],\"usage\":null}\n\n")
		s.usage = append(append([]byte(nil), s.head...), `],"usage":`+compact(c.usage)+"}\n\n"...)
	}
	for i := range c.choices {
		s.steps = append(s.steps, c.choices[i].steps(i)...)
	}
	return s
}

// steps are the events of a choice.
func (c *choice) steps(index int) []step {
	out := make([]step, 0, len(c.reasoning)+len(c.text)+2)
	add := func(delta string, token bool) { out = append(out, step{choice: index, delta: delta, token: token}) }
	opening := `{"role":"assistant","content":""}`
	if len(c.calls) > 0 {
		opening = `{"role":"assistant","content":null}`
	}
	add(opening, false)
	for _, t := range c.reasoning {
		add(`{"reasoning_content":`+quote(t)+`}`, true)
	}
	for _, t := range c.text {
		add(`{"content":`+quote(t)+`}`, true)
	}
	for i, one := range c.calls {
		at := `{"tool_calls":[{"index":` + strconv.Itoa(i)
		add(at+`,"id":`+quote(one.id)+`,"type":"function","function":{"name":`+quote(one.name)+`,"arguments":""}}]}`, true)
		for _, t := range one.arguments {
			add(at+`,"function":{"arguments":`+quote(t)+`}}]}`, true)
		}
	}
	return append(out, step{choice: index, delta: "{}", finish: c.finish})
}

func quote(s string) string { return string(jsondoc.AppendString(nil, s)) }

// Read returns what is due.
func (s *stream) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, provider.SendError(s.ctx, s.ctx.Err())
	}
	if len(s.buf) == 0 && s.err == nil {
		s.refill()
	}
	if len(s.buf) == 0 {
		return 0, s.err
	}
	n := copy(p, s.buf)
	s.buf = s.buf[n:]
	return n, nil
}

// Close ends the stream; further reads fail.
func (s *stream) Close() error {
	s.buf, s.err = nil, io.ErrClosedPipe
	return nil
}

// batch is how much is rendered at once when there is no pace to keep.
const batch = 4 << 10

// refill renders the next event, or as many as make a batch when all of them are due and none can fail.
func (s *stream) refill() {
	s.text = s.text[:0]
	for {
		s.render()
		if s.err != nil || s.plan.pace > 0 || s.plan.fault != "" || len(s.text) >= batch {
			break
		}
	}
	s.buf = s.text
}

// render makes the next event once its time has come, or does what the plan says in its place.
func (s *stream) render() {
	if s.next == len(s.steps) {
		s.finish()
		return
	}
	st := &s.steps[s.next]
	if (s.tokens >= s.plan.after && st.token || st.finish != "") && s.fail() { // a short answer fails at its end
		return
	}
	if st.token {
		if s.err = s.wait(); s.err != nil {
			return
		}
		s.tokens++
	}
	s.next++
	s.event(st)
}

// wait lets the time of the next token come.
func (s *stream) wait() error {
	due := s.start.Add(s.plan.spend(s.tokens))
	if err := pause(s.ctx, due.Sub(s.now())); err != nil {
		return provider.SendError(s.ctx, err)
	}
	return nil
}

// fail does what the plan's fault is, if it has one that comes in the middle of a stream.
func (s *stream) fail() bool {
	switch s.plan.fault {
	case faultHang:
		s.err = provider.SendError(s.ctx, pause(s.ctx, forever))
	case faultCut:
		s.text, s.err = append(s.text, s.head[:len(s.head)/2]...), io.ErrUnexpectedEOF
	case faultMalformed:
		s.text, s.err = append(append(s.text, s.head...), "{\"index\":\n\n"...), io.EOF
	default:
		return false
	}
	return true
}

func (s *stream) event(st *step) {
	s.text = append(s.text, s.head...)
	s.text = strconv.AppendInt(append(s.text, `{"index":`...), int64(st.choice), 10)
	s.text = append(append(s.text, `,"delta":`...), st.delta...)
	s.text = append(s.text, `,"logprobs":null,"finish_reason":`...)
	if st.finish == "" {
		s.text = append(s.text, "null}"...)
	} else {
		s.text = append(jsondoc.AppendString(s.text, st.finish), '}')
	}
	s.text = append(s.text, s.tail...)
}

func (s *stream) finish() {
	s.text = append(append(s.text, s.usage...), wire.DoneFrame...)
	s.err = io.EOF
}

// cutBody is a whole answer whose connection breaks.
type cutBody struct{ left []byte }

// Read returns what there is, and then that there should be more.
func (c *cutBody) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}

// Close does nothing.
func (c *cutBody) Close() error { return nil }
