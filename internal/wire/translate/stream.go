package translate

import (
	"errors"
	"io"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/sse"
)

const (
	// maxEvent bounds one event of an upstream, and what is kept of blocks that overlap; maxAnswer a whole answer.
	maxEvent  = 8 << 20
	maxAnswer = 64 << 20
	// maxEarly is how much is kept of what only says that an answer begins.
	maxEarly = 64 << 10
	// maxRest is how much may follow the end of an answer for its connection to be used again.
	maxRest = 4 << 10
)

// Whole returns an answer as the caller reads it; src is the upstream's body. Reading fails where that is no answer.
func (c *Crossing) Whole(src io.ReadCloser) io.ReadCloser {
	return &whole{Closer: src, crossing: c, src: src}
}

type whole struct {
	io.Closer

	crossing *Crossing
	src      io.Reader
	out      []byte
	err      error
}

// Read implements io.Reader.
func (w *whole) Read(p []byte) (int, error) {
	if w.src != nil {
		w.translate()
	}
	if len(w.out) == 0 {
		return 0, w.err
	}
	n := copy(p, w.out)
	w.out = w.out[n:]
	return n, nil
}

func (w *whole) translate() {
	body, err := io.ReadAll(io.LimitReader(w.src, maxAnswer+1))
	w.src = nil
	if err == nil && len(body) > maxAnswer {
		err = sse.ErrTooLarge
	}
	if err == nil {
		w.out, err = w.crossing.Answer(body)
	}
	if w.err = err; err == nil {
		w.err = io.EOF
	}
}

// Stream returns a stream of events as the caller reads them; src is the upstream's. What only says that an answer begins
// is kept until there is some of it, so that a failure until then can still be made up for. A stream that the upstream cut
// ends with io.ErrUnexpectedEOF.
func (c *Crossing) Stream(src io.ReadCloser) io.ReadCloser {
	s := &stream{
		crossing: c, src: src, events: sse.NewReader(src, maxEvent),
		decoder: c.bridge.Upstream.StreamDecoder(), encoder: c.bridge.Caller.StreamEncoder(c.prompt),
	}
	if c.tools != nil {
		s.tools = &streamTools{tools: c.tools, open: map[int]*unwrapping{}}
	}
	return s
}

type stream struct {
	crossing *Crossing
	src      io.ReadCloser
	events   *sse.Reader
	decoder  wire.StreamDecoder
	encoder  wire.StreamEncoder
	serial   wire.Serial
	tools    *streamTools // nil: they are to the upstream what they are to the caller

	deltas, ordered, own []inference.Delta
	out                  []byte
	at                   int  // of out, up to where it was read
	bearing              bool // something of the answer came
	drained              bool // nothing of the upstream's is left to read
	err                  error
}

// Close implements io.Closer.
func (s *stream) Close() error {
	s.events.Release()
	s.err = io.ErrClosedPipe
	s.out, s.at = nil, 0
	return s.src.Close()
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	for s.at == len(s.out) || !s.bearing {
		if s.err != nil {
			if s.at < len(s.out) {
				break
			}
			s.drain()
			return 0, s.err
		}
		if s.at == len(s.out) {
			s.out, s.at = s.out[:0], 0
		}
		s.advance()
		for s.err == nil && len(s.out) < len(p) && s.events.Buffered() {
			s.advance()
		}
	}
	n := copy(p, s.out[s.at:])
	s.at += n
	return n, nil
}

// drain reads what follows the end of an answer, once the caller has all of it: the upstream's connection can be used again.
// What comes there, and whether it does, is nobody's concern.
func (s *stream) drain() {
	if s.err == io.EOF && !s.drained { //nolint:errorlint // ours
		s.drained = true
		_, _ = io.CopyN(io.Discard, s.src, maxRest)
	}
}

// advance translates the next event. What only says that the upstream still is at it stays here: comments between events are
// more than the official Go client of OpenAI's second major can read.
func (s *stream) advance() {
	event, err := s.events.Next()
	if err != nil {
		s.finish(err)
		return
	}
	if len(event.Data) == 0 {
		return
	}
	s.deltas, err = s.decoder.Decode(s.deltas[:0], event.Name, event.Data)
	ended := s.encode()
	switch {
	case err != nil:
		s.err = io.ErrUnexpectedEOF
	case s.held() > maxEvent:
		s.err = sse.ErrTooLarge
	case ended:
		s.err = io.EOF
	}
}

// held is about how many bytes wait for what must come before them.
func (s *stream) held() int {
	if s.tools == nil {
		return s.serial.Held()
	}
	return s.serial.Held() + s.tools.held()
}

// finish ends a stream that the upstream has closed.
func (s *stream) finish(err error) {
	s.err = err
	if !errors.Is(err, io.EOF) {
		return
	}
	s.drained = true
	if s.deltas, err = s.decoder.Finish(s.deltas[:0]); err != nil {
		s.err = io.ErrUnexpectedEOF
		return
	}
	s.encode()
}

// order puts what was decoded in the order and in the words of the caller.
func (s *stream) order() []inference.Delta {
	s.ordered = s.ordered[:0]
	for i := range s.deltas {
		s.ordered = s.serial.Append(s.ordered, s.deltas[i])
	}
	if s.tools == nil {
		return s.ordered
	}
	s.own = s.own[:0]
	for i := range s.ordered {
		s.own = s.tools.append(s.own, s.ordered[i])
	}
	return s.own
}

// encode writes what was decoded. It reports whether the stream ends with it.
func (s *stream) encode() (ended bool) {
	told := s.order()
	for i := range told {
		d := &told[i]
		switch d.Kind {
		case inference.DeltaBegin:
			s.crossing.begin(d)
		case inference.DeltaUsage:
			s.crossing.usage, s.crossing.hasUsage = d.Usage, true
		case inference.DeltaFragment, inference.DeltaFinish, inference.DeltaFailed, inference.DeltaEnd:
			s.bearing = true
		case inference.DeltaOpen:
			s.bearing = s.bearing || d.Part.Kind == inference.PartCall || d.Part.Kind == inference.PartImage
		case inference.DeltaSeal, inference.DeltaCite, inference.DeltaClose:
		}
		s.out = s.encoder.Append(s.out, d)
		ended = ended || d.Kind == inference.DeltaEnd || d.Kind == inference.DeltaFailed
	}
	s.bearing = s.bearing || len(s.out) > maxEarly
	return ended
}
