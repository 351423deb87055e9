package http1_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/http1/http1test"
)

// answers are handlers whose answers must look as those of net/http do.
var answers = map[string]http.HandlerFunc{
	"nothing": func(http.ResponseWriter, *http.Request) {},
	"short":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>hello") },
	"in pieces": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "a")
		_, _ = io.WriteString(w, "b")
	},
	"status": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "x")
	},
	"odd status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(599) },
	"error":      func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) },
	"no content": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	"bodiless": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrBodyNotAllowed) {
			panic(err)
		}
	},
	"not modified": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Etag", `"a"`)
		w.WriteHeader(http.StatusNotModified)
	},
	"large": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 300<<10)) },
	"known length": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "200000")
		for range 2 {
			if _, err := w.Write(make([]byte, 100_000)); err != nil {
				panic(err)
			}
		}
	},
	"flushed": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
			if err := http.NewResponseController(w).Flush(); err != nil {
				panic(err)
			}
		}
	},
	"flushed empty": func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() }, //nolint:forcetypeassert // of both
	"header too late": func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush() //nolint:forcetypeassert // of both
		w.Header().Set("X-Late", "1")
		_, _ = io.WriteString(w, "x")
	},
	"fields": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["X-Many"] = []string{"a", "b"}
		w.Header().Set("X-Broken", "a\r\nX-Injected: b")
		w.Header().Set("X Bad", "a")
		w.Header().Set("Date", "today")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, "x")
	},
	"closes": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		_, _ = io.WriteString(w, "x")
	},
	"does not read": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") },
	"reads": func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		_, again := req.Body.Read(make([]byte, 1))
		_, _ = fmt.Fprintf(w, "%q %v %v %v %s", body, err, again, req.ContentLength, req.Header)
	},
}

func TestAnswersAreThoseOfTheLibrary(t *testing.T) {
	t.Parallel()
	for name, h := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reference := httptest.NewServer(h)
			defer reference.Close()
			want, got := transcript(t, reference.Listener.Addr().String()), transcript(t, http1test.Start(t, h))
			if got != want {
				t.Errorf("answered\n%s\nnet/http answers\n%s", got, want)
			}
		})
	}
}

// transcript is what two requests on one connection are answered.
func transcript(t *testing.T, address string) string {
	t.Helper()
	l, out := dial(t, address), ""
	for range 2 {
		resp, body := l.say(post("hello")).hear()
		if resp.Header.Get("Date") != "today" {
			resp.Header.Del("Date")
		}
		out += fmt.Sprintf("%s %v %v %v %v %.20q %d\n", resp.Status, resp.Header, resp.ContentLength, resp.TransferEncoding, resp.Close, body, len(body))
		if resp.Close {
			l.closed()
			break
		}
	}
	return out
}

func TestPanicCutsTheAnswer(t *testing.T) {
	t.Parallel()
	address := http1test.Start(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.RawQuery == "begun" {
			_, _ = io.WriteString(w, "half of ")
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	}))
	if answer, err := io.ReadAll(dial(t, address).say(post(""))); len(answer) > 0 || err != nil {
		t.Errorf("%q %v", answer, err)
	}
	l := dial(t, address).say(strings.Replace(post(""), "/v1/x", "/v1/x?begun", 1))
	resp, err := http.ReadResponse(l.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(resp.Body); string(text) != "half of " || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q %v", text, err)
	}
}

func TestDeadlineOfAnAnswerCutsIt(t *testing.T) {
	t.Parallel()
	l := dial(t, http1test.Start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		out := http.NewResponseController(w)
		_, _ = io.WriteString(w, "half of ")
		_ = out.Flush()
		_ = out.SetWriteDeadline(time.Unix(1, 0))
	})))
	resp, err := http.ReadResponse(l.say(post("")).Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(resp.Body); string(text) != "half of " || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q %v: the end was written behind what is missing", text, err)
	}
}

func TestDeadlinesEndWithTheirRequest(t *testing.T) {
	t.Parallel()
	l := dial(t, http1test.Start(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		out := http.NewResponseController(w)
		_ = errors.Join(out.SetReadDeadline(time.Now().Add(time.Second)), out.SetWriteDeadline(time.Now().Add(time.Second)))
		origin(w, req)
	})))
	for range 2 {
		l.say(post("a")).expect(`http1 POST /v1/x "a" <nil>`)
		<-time.After(1100 * time.Millisecond)
	}
}

// counted tells how much is written at once.
type counted struct {
	*net.TCPConn
	sizes *[]int
	mu    *sync.Mutex
}

func (c counted) Write(b []byte) (int, error) {
	c.mu.Lock()
	*c.sizes = append(*c.sizes, len(b))
	c.mu.Unlock()
	return c.TCPConn.Write(b)
}

// counting is a listener whose connections are counted.
type counting struct {
	net.Listener
	sizes []int
	mu    sync.Mutex
}

func (l *counting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return counted{c.(*net.TCPConn), &l.sizes, &l.mu}, nil //nolint:forcetypeassert // of this listener
}

func TestChunksAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	pieces := []string{"a", strings.Repeat("b", 4095), "", strings.Repeat("c", 200<<10), "data: [DONE]\n\n"}
	watched := &counting{Listener: listen(t)}
	http1test.Serve(t, &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c := w.(chunker) //nolint:forcetypeassert // a plain request's is
		frame := func(text string) []byte { return append(make([]byte, c.FrameSize()), text...) }
		if req.URL.RawQuery == "length" {
			w.Header().Set("Content-Length", "3")
			if err := errors.Join(c.Chunk(frame("ab")), c.Chunk(frame("c"))); err != nil {
				t.Error(err)
			}
			if err := c.Chunk(frame("d")); !errors.Is(err, http.ErrContentLength) {
				t.Error(err)
			}
			return
		}
		_, _ = io.WriteString(w, "first ")
		for _, p := range pieces {
			if err := c.Chunk(frame(p)); err != nil {
				t.Error(err)
			}
		}
		_ = http.NewResponseController(w).Flush() // there is nothing to be sent
		_, _ = io.WriteString(w, " and the rest as ever")
	})}, watched)
	l := dial(t, watched.Addr().String())
	for range 2 {
		l.say(post("")).expect("first " + strings.Join(pieces, "") + " and the rest as ever")
	}
	l.say(strings.Replace(post(""), "/v1/x", "/v1/x?length", 1)).expect("abc")
	watched.mu.Lock()
	defer watched.mu.Unlock()
	if len(watched.sizes) != 12 || watched.sizes[0] < 100 || watched.sizes[1] != len("00000fff\r\n\r\n")+4095 {
		t.Errorf("the head, what was written and the first chunk are one write, and each further chunk another: %v", watched.sizes)
	}
}
