package sse

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	gosse "github.com/tmaxmax/go-sse"
)

type plainEvent struct {
	Raw, Name, Data, ID string
	HasData             bool
	Unterminated        bool
}

func readAll(t *testing.T, r io.Reader, limit int) ([]plainEvent, error) {
	t.Helper()
	reader := NewReader(r, limit)
	defer reader.Release()
	var all []plainEvent
	for {
		e, err := reader.Next()
		if err != nil {
			return all, err
		}
		all = append(all, plainEvent{string(e.Raw), string(e.Name), string(e.Data), string(e.ID), e.Data != nil, e.Unterminated})
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		want     []plainEvent
	}{
		{"two events", "data: a\n\ndata:b\n\n", []plainEvent{
			{Raw: "data: a\n\n", Data: "a", HasData: true}, {Raw: "data:b\n\n", Data: "b", HasData: true},
		}},
		{"several lines and fields", "event: x\nid: 7\nretry: 5\ndata: a\ndata\ndata:  b\n\n", []plainEvent{
			{Raw: "event: x\nid: 7\nretry: 5\ndata: a\ndata\ndata:  b\n\n", Name: "x", ID: "7", Data: "a\n\n b", HasData: true},
		}},
		{"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", []plainEvent{
			{Raw: "data: a\r\n\r\n", Data: "a", HasData: true}, {Raw: "data: b\r\n\r\n", Data: "b", HasData: true},
		}},
		{"CR", "data: a\r\rdata: b\r\r", []plainEvent{
			{Raw: "data: a\r\r", Data: "a", HasData: true}, {Raw: "data: b\r\r", Data: "b", HasData: true},
		}},
		{"comment", ": ping\n\ndata: a\n\n", []plainEvent{
			{Raw: ": ping\n\n"}, {Raw: "data: a\n\n", Data: "a", HasData: true},
		}},
		{"blank lines", "\n\ndata:\n\n", []plainEvent{{Raw: "\n"}, {Raw: "\n"}, {Raw: "data:\n\n", HasData: true}}},
		{"byte order mark", "\xEF\xBB\xBFdata: a\n\n", []plainEvent{{Raw: "\xEF\xBB\xBFdata: a\n\n", Data: "a", HasData: true}}},
		{"no blank line at the end", "data: a\n\ndata: b", []plainEvent{
			{Raw: "data: a\n\n", Data: "a", HasData: true}, {Raw: "data: b", Data: "b", HasData: true, Unterminated: true},
		}},
		{"id with NUL", "id: a\x00b\ndata: x\n\n", []plainEvent{{Raw: "id: a\x00b\ndata: x\n\n", Data: "x", HasData: true}}},
		{"empty", "", nil},
	} {
		for how, wrap := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "halves": iotest.HalfReader, "data with error": iotest.DataErrReader,
		} {
			t.Run(c.name+" "+how, func(t *testing.T) {
				t.Parallel()
				got, err := readAll(t, wrap(strings.NewReader(c.in)), 1<<20)
				if err != io.EOF || len(got) != len(c.want) { //nolint:errorlint // io.EOF itself is promised
					t.Fatalf("got %+v, %v", got, err)
				}
				for i := range got {
					if got[i] != c.want[i] {
						t.Errorf("event %d: got %+v, want %+v", i, got[i], c.want[i])
					}
				}
			})
		}
	}
}

func TestGiantEvents(t *testing.T) {
	t.Parallel()
	exact := "data: " + strings.Repeat("x", 100_000) + "\n\n"
	got, err := readAll(t, strings.NewReader(exact+exact), len(exact))
	if err != io.EOF || len(got) != 2 || got[1].Raw != exact { //nolint:errorlint // as above
		t.Errorf("%d events, %v", len(got), err)
	}
	for _, in := range []string{exact, "data: " + strings.Repeat("x", 200_000)} {
		if _, err := readAll(t, strings.NewReader(in), len(exact)-1); !errors.Is(err, ErrTooLarge) {
			t.Errorf("got %v", err)
		}
	}
}

func TestACutIsNotAnEvent(t *testing.T) {
	t.Parallel()
	cut := io.MultiReader(strings.NewReader("data: a\n\ndata: b"), iotest.ErrReader(io.ErrUnexpectedEOF))
	got, err := readAll(t, cut, 1<<20)
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(got) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// An event comes as soon as its bytes have, and Buffered tells whether the next call would wait.
func TestEventsAreNotHeldBack(t *testing.T) {
	t.Parallel()
	for _, nl := range []string{"\n", "\r", "\r\n"} {
		in, out := io.Pipe()
		r := NewReader(in, 1<<20)
		go func() {
			_, _ = io.WriteString(out, strings.ReplaceAll("data: a|", "|", nl))
			_, _ = io.WriteString(out, nl)
			_, _ = io.WriteString(out, strings.ReplaceAll("data: b||data: c||data: d|", "|", nl))
			_, _ = io.WriteString(out, nl)
			_ = out.Close()
		}()
		for i, want := range []struct {
			data   string
			before bool
			after  bool
		}{{"a", false, false}, {"b", false, true}, {"c", true, false}, {"d", false, false}} {
			if r.Buffered() != want.before {
				t.Errorf("%q %d: Buffered before is %v", nl, i, !want.before)
			}
			e, err := r.Next()
			if err != nil || string(e.Data) != want.data {
				t.Fatalf("%q: got %q, %v", nl, e.Data, err)
			}
			if r.Buffered() != want.after {
				t.Errorf("%q %d: Buffered after is %v", nl, i, !want.after)
			}
		}
		if e, err := r.Next(); err != io.EOF { //nolint:errorlint // as above
			t.Errorf("%q: got %+v, %v", nl, e, err)
		}
		r.Release()
	}
}

func TestReleaseTwice(t *testing.T) {
	t.Parallel()
	r := NewReader(strings.NewReader("data: a\n\n"), 100)
	r.Release()
	r.Release()
	if _, err := r.Next(); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

func TestSteadyReadingDoesNotAllocate(t *testing.T) {
	one := []byte("data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n")
	r := NewReader(&endless{text: one}, 1<<20)
	defer r.Release()
	allocs := testing.AllocsPerRun(1000, func() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// TestSlowStreamsHoldLittle reads slowly, then fast, then slowly again, and looks at how much is asked of the source at once.
func TestSlowStreamsHoldLittle(t *testing.T) {
	t.Parallel()
	src := &paced{text: []byte("data: " + strings.Repeat("a", 200) + "\n\n")}
	r := NewReader(src, 1<<20)
	defer r.Release()
	read := func(pace, events int) int {
		src.pace = pace
		for range events {
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
		}
		return src.asked
	}
	if n := read(1, 50); n > smallSize {
		t.Errorf("a slow stream is read in pieces of %d", n)
	}
	if n := read(1000, 3000); n <= middleSize {
		t.Errorf("a fast stream is read in pieces of %d", n)
	}
	if n := read(1, 2000); n > smallSize {
		t.Errorf("a stream that is slow again is read in pieces of %d", n)
	}
}

// paced gives so many whole texts at a time as its pace says.
type paced struct {
	text        []byte
	pace, asked int
}

func (p *paced) Read(b []byte) (n int, _ error) {
	p.asked = len(b)
	for range min(p.pace, len(b)/len(p.text)) {
		n += copy(b[n:], p.text)
	}
	return n, nil
}

type endless struct {
	text []byte
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	return n, nil
}

func FuzzReader(f *testing.F) {
	for _, s := range []string{
		"data: a\n\n", "data: a\r\n\r\nevent: x\rdata: y\r\r: c\n\n\n", "id: 1\ndata: a\ndata: b\n\ndata", "\xEF\xBB\xBFdata\n\n",
		"data: [DONE]\n\n", "event\n\ndata:\n\n", "data: \xff\xfe\r", "event:\n\nid: \x00\n\nid\n\n",
		"data: {\"a\":1}\ndata: {\"b\":2}\n\n", "data: {\"a\":\n\ndata: 1}", "<html>\r\n\r\n</html>", "retry: 5\r\rdata: [DONE]\r\rrubbish\x00",
		"{\"error\":{}}", "\n\n\n: a\n\n:\n\n", "data: x\n\n\xEF\xBB\xBFdata: y\n\n",
	} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, stream []byte, size int) {
		if bytes.LastIndex(stream, byteOrderMark) > 0 {
			return // go-sse takes a mark away in the middle, too
		}
		for _, src := range []io.Reader{bytes.NewReader(stream), &chunks{stream, 1 + (size&0xff)%17}} {
			raw, told := dispatched(t, src)
			if string(raw) != string(stream) {
				t.Errorf("the raw texts are %q, the stream is %q", raw, stream)
			}
			if diff := cmp.Diff(reference(t, stream), told); diff != "" {
				t.Errorf("(-go-sse +ours)\n%s", diff)
			}
		}
	})
}

// chunks gives a few bytes at a time.
type chunks struct {
	left []byte
	size int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.size)], c.left)
	c.left = c.left[n:]
	return n, nil
}

// dispatched returns all raw text, and the events that have a field and their blank line, with the id last seen.
func dispatched(t *testing.T, src io.Reader) (raw []byte, told []gosse.Event) {
	t.Helper()
	r := NewReader(src, 1<<20)
	defer r.Release()
	id := ""
	for {
		e, err := r.Next()
		if err == io.EOF { //nolint:errorlint // as above
			return raw, told
		}
		if err != nil {
			t.Fatal(err)
		}
		raw = append(raw, e.Raw...)
		if e.ID != nil {
			id = string(e.ID)
		}
		if !e.Unterminated && (e.Data != nil || e.Name != nil || e.ID != nil) {
			told = append(told, gosse.Event{LastEventID: id, Type: string(e.Name), Data: string(e.Data)})
		}
	}
}

// reference is what go-sse makes of the stream. It also tells a last event without a blank line, which is left away here.
func reference(t *testing.T, stream []byte) (out []gosse.Event) {
	t.Helper()
	for e, err := range gosse.Read(bytes.NewReader(stream[:lastBlankLine(stream)]), &gosse.ReadConfig{MaxEventSize: 1 << 20}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// lastBlankLine returns the offset behind the last blank line.
func lastBlankLine(b []byte) int {
	last, line := 0, 0
	for i := 0; i < len(b); i++ {
		if b[i] != '\n' && b[i] != '\r' {
			continue
		}
		blank := i == line
		if b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n' {
			i++
		}
		if line = i + 1; blank {
			last = line
		}
	}
	return last
}
