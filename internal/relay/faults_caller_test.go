package relay_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/testkit/faultyupstream"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// cancelWithin is how soon an upstream must be rid of a call whose caller has left.
const cancelWithin = 500 * time.Millisecond

// TestCallerWhoLeavesCancelsTheUpstream measures at the upstream how soon its connection is closed.
func TestCallerWhoLeavesCancelsTheUpstream(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		answer     func(e *faultyupstream.Exchange)
		reads      bool // the caller waits for the first byte before it leaves
		pays       money.Amount
	}{
		{"before the head, buffered", question, func(*faultyupstream.Exchange) {}, false, 0},
		{"before the head, stream", streamed, func(*faultyupstream.Exchange) {}, false, 0},
		{"within the body, buffered", question, func(e *faultyupstream.Exchange) {
			e.Head(200, "Content-Length: 1000")
			e.Write(wholeAnswer("")[:40])
		}, false, 0},
		{"before the first event", streamed, (*faultyupstream.Exchange).Stream, false, 0},
		{"behind the first event", streamed, func(e *faultyupstream.Exchange) {
			e.Stream()
			e.Chunk(hello)
		}, true, cost(inputTokens(t, streamed), estimate("Hello "))},
		{"behind the usage", streamed, func(e *faultyupstream.Exchange) {
			e.Stream()
			e.Chunk(hello + figures)
		}, true, cost(10, 20)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			called, left := make(chan struct{}), make(chan time.Time, 1)
			up := faultyupstream.New(t, func(e *faultyupstream.Exchange) {
				c.answer(e)
				close(called)
				e.Stall()
				left <- time.Now()
			})
			r := newRig(t, "http://"+up.Address+"/v1", faultTransport(t, nil), patient)
			r.listen(t)
			ctx, leave := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				if resp, err := r.post(ctx, t, c.body); err == nil {
					_, _ = io.Copy(io.Discard, notify{resp.Body, once(r.received)})
					_ = resp.Body.Close()
				}
			}()
			<-called
			if c.reads {
				<-r.received
			}
			start := time.Now()
			leave()
			if took := (<-left).Sub(start); took > cancelWithin {
				t.Errorf("the upstream was cancelled after %v", took)
			}
			<-ended
			if rec := r.only(t); rec.Task.Charged != c.pays {
				t.Errorf("charged %v, want %v", rec.Task.Charged, c.pays)
			}
		})
	}
}

// TestCallerWhoLeavesWhileItsRequestGoesOut has an upstream that takes nothing of a large body. Cancelled, the connection must
// be closed at once, and not when an answer that was early would have come.
func TestCallerWhoLeavesWhileItsRequestGoesOut(t *testing.T) {
	t.Parallel()
	called, look, left := make(chan struct{}), make(chan struct{}), make(chan time.Time, 1)
	up := faultyupstream.NewDeaf(t, func(e *faultyupstream.Exchange) {
		close(called)
		<-look
		e.Swallow()
		left <- time.Now()
	})
	r := newRig(t, "http://"+up.Address+"/v1", faultTransport(t, nil), patient)
	r.listen(t)
	large := strings.Replace(question, `"hi"`, `"`+strings.Repeat("word ", 4<<20)+`"`, 1)
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if resp, err := r.post(ctx, t, large); err == nil {
			_ = resp.Body.Close()
		}
	}()
	<-called
	start := time.Now()
	leave()
	<-time.After(cancelWithin / 2) // it is noticed by then; a body that was swallowed before would have been sent whole
	close(look)
	if took := (<-left).Sub(start); took > cancelWithin {
		t.Errorf("the upstream was cancelled after %v", took)
	}
	<-ended
	if rec := r.only(t); rec.Task.Charged != 0 || lastAttempt(t, rec).Category != inference.Canceled {
		t.Errorf("charged %v, %s", rec.Task.Charged, rec.Task.Attempts)
	}
}

// TestTextIsNotHeldBackByWhatIsHidden has an upstream that sends text and the usage that nobody asked for at once, and is
// silent then: the text must not wait for what follows.
func TestTextIsNotHeldBackByWhatIsHidden(t *testing.T) {
	t.Parallel()
	up := faultyupstream.New(t, func(e *faultyupstream.Exchange) {
		e.Stream()
		e.Chunk(hello + figures)
		e.Stall()
	})
	limits := patient
	limits.Idle = 20 * time.Second
	r := newRig(t, "http://"+up.Address+"/v1", faultTransport(t, nil), limits)
	r.listen(t)
	ctx, leave := context.WithTimeout(t.Context(), 10*time.Second)
	defer leave()
	resp, err := r.post(ctx, t, streamed)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got := make([]byte, len(hello))
	if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != hello {
		t.Errorf("%q, %v", got, err)
	}
}

// TestCallerWhoLeavesWithinItsRequest never gets to an upstream, and leaves nothing open.
func TestCallerWhoLeavesWithinItsRequest(t *testing.T) {
	t.Parallel()
	up := faultyupstream.New(t, (*faultyupstream.Exchange).Close)
	r := newRig(t, "http://"+up.Address+"/v1", faultTransport(t, nil), patient)
	r.listen(t)
	conn := dialRig(t, r)
	_, _ = fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n"+
		"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n%s", question[:20])
	_ = conn.Close()
	if records := r.written(t, 1); len(records) != 0 || up.Requests() != 0 {
		t.Errorf("%d records, %d requests at the upstream", len(records), up.Requests())
	}
}

func dialRig(t *testing.T, r *rig) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn) //nolint:forcetypeassert // that is what it dialled
}

// TestCallerWhoReadsNothingIsLeft asks for much and takes nothing of it: buffered or streamed, the relay gives up.
func TestCallerWhoReadsNothingIsLeft(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word ", 2<<20)
	for name, c := range map[string]struct {
		body   string
		answer func(e *faultyupstream.Exchange)
	}{
		"buffered": {question, func(e *faultyupstream.Exchange) {
			e.Whole(200, jsonType, strings.Replace(wholeAnswer(","+figuresTold), greeting, long, 1))
		}},
		"stream": {streamed, func(e *faultyupstream.Exchange) {
			e.Stream()
			for {
				select {
				case <-e.Gone():
					e.Close()
					return
				default:
					e.Chunk(strings.Repeat(hello, 100))
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up := faultyupstream.New(t, c.answer)
			limits := patient
			limits.Stall = 300 * time.Millisecond
			r := newRig(t, "http://"+up.Address+"/v1", faultTransport(t, nil), limits)
			r.listen(t)
			conn := dialRig(t, r)
			if err := conn.SetReadBuffer(4096); err != nil {
				t.Fatal(err)
			}
			_, _ = fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n"+
				"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(c.body), c.body)
			if rec := r.only(t); rec.Task.Charged == 0 {
				t.Error("what was sent is free")
			}
		})
	}
}

// TestGoodStreamsShareAConnection asks one after the other: nothing but a fault may cost a connection.
func TestGoodStreamsShareAConnection(t *testing.T) {
	t.Parallel()
	up := faultyupstream.New(t, func(e *faultyupstream.Exchange) { streams(good)(e, nil) })
	r := newRig(t, "http://"+up.Address+"/v1", faultTransport(t, nil), patient)
	r.listen(t)
	const calls = 5
	for range calls {
		resp, err := r.post(t.Context(), t, streamed)
		if err != nil {
			t.Fatal(err)
		}
		if got := readStream(t, mustRead(t, resp)); got.text != greeting {
			t.Errorf("got %+v", got)
		}
	}
	if n := len(r.written(t, calls)); n != calls || up.Connections() != 1 {
		t.Errorf("%d records, %d connections", n, up.Connections())
	}
}

// TestStreamWhoseEndComesLateKeepsItsConnection has the end of the body come behind [DONE], in a packet of its own.
func TestStreamWhoseEndComesLateKeepsItsConnection(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	up := faultyupstream.New(t, func(e *faultyupstream.Exchange) {
		e.Stream()
		e.Chunk(good)
		<-done
		e.End()
	})
	r := newRig(t, "http://"+up.Address+"/v1", faultTransport(t, nil), patient)
	r.listen(t)
	const calls = 5
	for range calls {
		resp, err := r.post(t.Context(), t, streamed)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() && lines.Text() != "data: [DONE]" {
		}
		done <- struct{}{}
		mustRead(t, resp)
	}
	if n := len(r.written(t, calls)); n != calls || up.Connections() == calls {
		t.Errorf("%d records, %d connections", n, up.Connections())
	}
}

func mustRead(t *testing.T, resp *http.Response) []byte {
	t.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// slowReader takes a while for each write.
type slowReader struct {
	http.ResponseWriter
	takes time.Duration
}

func (s slowReader) Write(p []byte) (int, error) {
	<-time.After(s.takes)
	return s.ResponseWriter.Write(p)
}

func (s slowReader) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// TestSlowCallerIsNotTheUpstreamsSilence has a caller that needs longer for each event than the upstream may be silent.
func TestSlowCallerIsNotTheUpstreamsSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "1", relay.Limits{FirstByte: time.Second, Idle: time.Second, Total: time.Hour})
		b.first.answer = func(ctx context.Context, _ *provider.Call) (*http.Response, error) {
			out, in := io.Pipe()
			context.AfterFunc(ctx, func() { _ = in.CloseWithError(ctx.Err()) })
			go func() {
				for _, part := range []string{hello, world, tail} {
					_, _ = io.WriteString(in, part)
				}
				_ = in.Close()
			}()
			return &http.Response{StatusCode: http.StatusOK, Body: out}, nil
		}
		w := httptest.NewRecorder()
		b.serve(t.Context(), slowReader{w, 3 * time.Second}, openai.Chat, streamed)
		if got := readStream(t, w.Body.Bytes()); got.text != greeting || got.code != "" {
			t.Errorf("got %+v", got)
		}
		b.charged(t, "0.00021")
	})
}

// TestTotalDeadlineIsForAllAttempts has upstreams that fail slowly: together they get no more time than one would.
func TestTotalDeadlineIsForAllAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "1", relay.Limits{FirstByte: 40 * time.Second, Total: time.Minute})
		slowly := func(ctx context.Context, _ *provider.Call) (*http.Response, error) {
			select {
			case <-time.After(30 * time.Second):
				return reply(500, "")
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		b.first.answer, b.second.answer = slowly, slowly
		start := time.Now()
		w := b.ask(t.Context(), question)
		if took := time.Since(start); took > time.Minute+time.Second || w.Code != 502 && w.Code != 504 {
			t.Errorf("%d after %v", w.Code, took)
		}
		b.charged(t, "0")
	})
}
