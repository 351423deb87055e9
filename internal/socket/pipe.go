package socket

import (
	"context"
	"sync"
)

// Pipe returns the two ends of a line within the process. A message is handed over when both are at it, so nothing is on its
// way when one end closes.
func Pipe() (a, b Line) {
	there, back := make(chan []byte), make(chan []byte)
	end := &ending{closed: make(chan struct{})}
	return &pipe{out: there, in: back, ending: end}, &pipe{out: back, in: there, ending: end}
}

type pipe struct {
	*ending

	out chan<- []byte
	in  <-chan []byte
}

// ending is the end of a line within the process.
type ending struct {
	once   sync.Once
	closed chan struct{}
	why    ClosedError
}

// Read implements Line.
func (p *pipe) Read(ctx context.Context) ([]byte, error) {
	select {
	case message := <-p.in:
		return message, nil
	case <-p.closed:
		return nil, &p.why
	case <-ctx.Done():
		p.Close(Broken, "")
		return nil, ctx.Err()
	}
}

// Write implements Line.
func (p *pipe) Write(ctx context.Context, message []byte) error {
	select {
	case p.out <- message:
		return nil
	case <-p.closed:
		return &p.why
	case <-ctx.Done():
		p.Close(Broken, "")
		return ctx.Err()
	}
}

// Close implements Line.
func (e *ending) Close(code Code, reason string) {
	e.once.Do(func() {
		e.why = ClosedError{code, shorten(reason)}
		close(e.closed)
	})
}
