package translate_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/sse"
	"github.com/gantry-ai/gantry/internal/wire/translate"
)

// toChat is a caller of messages at an upstream of chat completions.
func toChat(t *testing.T) *translate.Crossing {
	t.Helper()
	return asked(t, bridgeOf(anthropic.Codec, openai.ChatCodec), `{"model":"m","max_tokens":99,"messages":[{"role":"user","content":"hi"}]}`)
}

func bridgeOf(caller wire.Codec, upstream wire.UpstreamCodec) *translate.Bridge {
	return &translate.Bridge{
		Caller: caller, Upstream: upstream, Options: wire.EncodeOptions{AskUsage: true, ModelOutput: 65536},
		Now: func() time.Time { return time.Unix(1_760_000_000, 0) },
	}
}

func asked(t *testing.T, b *translate.Bridge, body string) *translate.Crossing {
	t.Helper()
	c, err := b.Request([]byte(body), "m", strings.Contains(body, `"stream":true`), 0)
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return c
}

// chunk is an event of a chat completion.
func chunk(delta, finish string) string {
	return `data: {"id":"c","model":"m","created":1,"choices":[{"index":0,"delta":` + delta + `,"finish_reason":` + finish + "}]}\n\n"
}

const hello = `{"content":"hello"}`

var whole = chunk(hello, "null") + chunk("{}", `"stop"`) + "data: [DONE]\n\n"

// TestConnectionsAreUsedAgain: an answer ends with its terminator, which is not the end of what the connection says.
func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, whole)
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, ": bye\n\n") // and, once the handler returns, the end of the chunks
	}))
	defer server.Close()
	var reused []bool
	trace := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn: func(i httptrace.GotConnInfo) { reused = append(reused, i.Reused) },
	})
	for range 3 {
		req, err := http.NewRequestWithContext(trace, http.MethodPost, server.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body := toChat(t).Stream(resp.Body)
		if _, err := io.ReadAll(body); err != nil {
			t.Error(err)
		}
		if err := body.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(reused) != 3 || !reused[1] || !reused[2] {
		t.Errorf("reused: %v", reused)
	}
}

// dawdler gives a text, and then waits until somebody lets it go.
type dawdler struct {
	io.Reader

	waits, let chan struct{}
}

func (d *dawdler) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	if err != io.EOF {
		return n, err
	}
	d.waits <- struct{}{}
	<-d.let
	return n, err
}

// TestTheLastBytesDoNotWait: what follows an answer is read when the caller has the answer.
func TestTheLastBytesDoNotWait(t *testing.T) {
	t.Parallel()
	src := &dawdler{Reader: strings.NewReader(whole), waits: make(chan struct{}), let: make(chan struct{})}
	s := toChat(t).Stream(io.NopCloser(src))
	var got strings.Builder
	done := make(chan error, 1)
	go func() {
		buf := make([]byte, 4096)
		for !strings.Contains(got.String(), "message_stop") {
			n, err := s.Read(buf)
			if got.Write(buf[:n]); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := s.Read(make([]byte, 1))
		done <- err
	}()
	<-src.waits
	close(src.let)
	if err := <-done; !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// endless repeats a text for ever.
type endless struct {
	make  func(n int) string
	rest  string
	count int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.rest == "" {
		e.rest = e.make(e.count)
		e.count++
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// TestBeginningsAreNotKeptForEver: an upstream that begins and begins is heard at last.
func TestBeginningsAreNotKeptForEver(t *testing.T) {
	t.Parallel()
	src := &endless{make: func(n int) string {
		if n == 0 {
			return "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"a\",\"model\":\"m\",\"usage\":{}}}\n\n"
		}
		n--
		return "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":" + strconv.Itoa(n) +
			",\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":" +
			strconv.Itoa(n) + "}\n\n"
	}}
	b := bridgeOf(openai.ResponsesCodec, anthropic.Codec)
	s := asked(t, b, `{"model":"m","input":"hi","stream":true}`).Stream(io.NopCloser(src))
	n, err := s.Read(make([]byte, 100))
	if n == 0 || err != nil || src.count > 2000 {
		t.Errorf("%d bytes, %v, after %d blocks", n, err, src.count)
	}
}

// TestOverlappingBlocksAreBounded: an upstream that never ends a call keeps the next one waiting, and not for ever.
func TestOverlappingBlocksAreBounded(t *testing.T) {
	t.Parallel()
	arguments := strings.Repeat("x", 1<<20)
	src := &endless{make: func(n int) string {
		if n < 2 {
			return chunk(`{"tool_calls":[{"index":`+strconv.Itoa(n)+`,"id":"c`+strconv.Itoa(n)+`","function":{"name":"f","arguments":"{"}}]}`, "null")
		}
		return chunk(`{"tool_calls":[{"index":1,"function":{"arguments":"`+arguments+`"}}]}`, "null")
	}}
	if _, err := io.ReadAll(toChat(t).Stream(io.NopCloser(src))); !errors.Is(err, sse.ErrTooLarge) {
		t.Error(err)
	}
	if src.count > 200 {
		t.Errorf("after %d pieces", src.count)
	}
}

// TestCallsAreBounded: of one answer there are not endlessly many calls, nor are arguments kept endlessly for a name.
func TestCallsAreBounded(t *testing.T) {
	t.Parallel()
	arguments := strings.Repeat("x", 1<<20)
	for name, piece := range map[string]func(n int) string{
		"calls": func(n int) string {
			return `{"index":` + strconv.Itoa(n) + `,"id":"c` + strconv.Itoa(n) + `","function":{}}`
		},
		"arguments": func(int) string { return `{"index":0,"function":{"arguments":"` + arguments + `"}}` },
	} {
		src := &endless{make: func(n int) string { return chunk(`{"tool_calls":[`+piece(n)+`]}`, "null") }}
		if _, err := io.ReadAll(toChat(t).Stream(io.NopCloser(src))); !errors.Is(err, io.ErrUnexpectedEOF) || src.count > 200 {
			t.Errorf("%s: %v after %d", name, err, src.count)
		}
	}
}
