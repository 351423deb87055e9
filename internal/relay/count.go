package relay

import "github.com/gantry-ai/gantry/internal/wire"

// countInput counts the input by the model's vocabulary. It is for calls whose upstream told no usage.
func (c *call) countInput() int64 {
	if f, ok := c.op.Format.(wire.Counting); ok && c.target != nil {
		return f.CountInput(c.body, &c.ask, c.target.family)
	}
	return c.op.Format.InputTokens(c.body, &c.ask)
}

// markedInput is the input that the first mark of a stream charges. An upstream that is known to tell no usage is charged by
// the same count in the end; else the estimate does, because the usage is still to come.
func (c *call) markedInput() (n int64) {
	if c.target.Shape.StreamUsage {
		n = c.op.Format.InputTokens(c.body, &c.ask)
	} else {
		n = c.countInput()
	}
	c.marked = max(c.marked, n)
	return n
}

// countWhole counts a buffered answer without usage.
func (c *call) countWhole(m *wire.Metered, body []byte) {
	if c.countPieces(m) {
		return
	}
	if f, ok := c.op.Format.(wire.Counting); ok && !m.Known {
		m.OutputTokens = f.CountAnswer(body, c.target.family)
	}
}

// counted is what the stream's end is settled by. Where the upstream told no usage it is counted by the model's vocabulary,
// and is never less than a mark that was made: what a crash would have charged is charged now too.
func (s *stream) counted() wire.Metered {
	m := s.meter.Result()
	s.exact(&m)
	if s.countPieces(&m) || m.Known {
		return m
	}
	if counter, ok := s.meter.(wire.MeterCounter); ok {
		m.OutputTokens = counter.Delivered()
	}
	m.OutputTokens = max(m.OutputTokens, s.marks.most())
	return m
}

func releaseMeter(m wire.Meter) {
	if counter, ok := m.(wire.MeterCounter); ok {
		counter.Release()
	}
}

// most is the most output tokens that a mark was made of.
func (m *marks) most() int64 { return max(m.durable, m.pending) }
