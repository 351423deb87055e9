package faultyupstream_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/gantry-ai/gantry/internal/testkit/faultyupstream"
)

func get(t *testing.T, client *http.Client, s *faultyupstream.Server) (string, error) {
	t.Helper()
	resp, err := client.Post("http://"+s.Address, "application/json", strings.NewReader(`{"stream":true}`))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func TestWellBehavedAnswersShareAConnection(t *testing.T) {
	t.Parallel()
	s := faultyupstream.New(t, func(e *faultyupstream.Exchange) {
		if !e.Streamed() {
			t.Errorf("got %s", e.Body)
		}
		e.Stream()
		e.Chunk("a")
		e.Chunk("b")
		e.End()
	})
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for range 3 {
		if got, err := get(t, client, s); got != "ab" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	if s.Requests() != 3 || s.Connections() != 1 {
		t.Errorf("%d requests on %d connections", s.Requests(), s.Connections())
	}
}

func TestItBreaksOffWhereItIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		how  faultyupstream.Handler
		body string
		want error
	}{
		"closed before the head": {(*faultyupstream.Exchange).Close, "", io.EOF},
		"reset before the head":  {(*faultyupstream.Exchange).Reset, "", syscall.ECONNRESET},
		"closed in a chunk": {func(e *faultyupstream.Exchange) {
			e.Stream()
			e.Drip("5\r\nab")
			e.Close()
		}, "ab", io.ErrUnexpectedEOF},
		"a body shorter than it said": {func(e *faultyupstream.Exchange) {
			e.Head(200, "Content-Length: 9")
			e.Write("ab")
			e.Close()
		}, "ab", io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := get(t, &http.Client{Transport: &http.Transport{}}, faultyupstream.New(t, c.how))
			if got != c.body || !errors.Is(err, c.want) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
