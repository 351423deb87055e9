package ollama

import (
	"bytes"
	"errors"
	"io"

	"github.com/gantry-ai/gantry/internal/provider"
)

// maxLine bounds a line of a stream.
const maxLine = 8 << 20

var errLine = errors.New("ollama: a line of the stream is too long")

// lines is a stream of lines that is read as server-sent events, one for each line. It is for one goroutine.
type lines struct {
	src  io.ReadCloser
	raw  []byte // what was read and is no whole line yet
	out  []byte
	left []byte // of out
	err  error
}

func newLines(src io.ReadCloser) *lines { return &lines{src: src, raw: make([]byte, 0, 4<<10)} }

// Read gives the events whose lines have come. A last line may lack its end.
func (l *lines) Read(p []byte) (int, error) {
	for len(l.left) == 0 {
		if l.err != nil {
			return 0, l.err
		}
		l.next()
	}
	n := copy(p, l.left)
	l.left = l.left[n:]
	return n, nil
}

// next reads what comes next and writes the events that it completes.
func (l *lines) next() {
	if len(l.raw) >= maxLine {
		l.err = errLine
		return
	}
	if len(l.raw) == cap(l.raw) {
		l.raw = append(make([]byte, 0, 2*cap(l.raw)), l.raw...)
	}
	n, err := l.src.Read(l.raw[len(l.raw):cap(l.raw)])
	l.raw, l.err, l.out = l.raw[:len(l.raw)+n], err, l.out[:0]
	rest := l.raw
	for {
		line, behind, found := bytes.Cut(rest, []byte("\n"))
		if !found {
			break
		}
		l.event(line)
		rest = behind
	}
	if errors.Is(err, io.EOF) {
		l.event(rest)
		rest = nil
	}
	l.raw = append(l.raw[:0], rest...)
	l.left = l.out
}

func (l *lines) event(line []byte) {
	if line = bytes.TrimSpace(line); len(line) > 0 {
		l.out = append(append(append(l.out, "data: "...), line...), "\n\n"...)
	}
}

// Close closes the stream.
func (l *lines) Close() error { return l.src.Close() }

// OnWait is that of the lines: they are read only when no event is at hand. See provider.Waiter.
func (l *lines) OnWait(tell func() error) bool {
	w, ok := l.src.(provider.Waiter)
	return ok && w.OnWait(tell)
}

var _ provider.Waiter = (*lines)(nil)
