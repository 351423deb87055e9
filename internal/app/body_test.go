package app

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

// TestBodyThatNeverComesHoldsNoPlace sends a part of a body to a handler that reads it and to one that does not: both get
// their answer out, at the time when the body was due.
func TestBodyThatNeverComesHoldsNoPlace(t *testing.T) {
	t.Parallel()
	almost := clock.Clock(func() time.Time { return time.Now().Add(300*time.Millisecond - slowestBody) })
	for path, want := range map[string]string{"/read": "418", "/leave": "401"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(bodyInTime(almost)(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if req.URL.Path == "/leave" {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				if _, err := io.ReadAll(req.Body); err == nil {
					t.Error("the body came")
				}
				w.WriteHeader(http.StatusTeapot)
			})))
			defer s.Close()
			conn, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			_, _ = io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nsome of it")
			answer, err := io.ReadAll(conn)
			if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 "+want) {
				t.Errorf("%q, %v", answer, err)
			}
		})
	}
}

// TestBodyThatCameMayBeAnsweredLate keeps the deadline of the body from ending the request.
func TestBodyThatCameMayBeAnsweredLate(t *testing.T) {
	t.Parallel()
	almost := clock.Clock(func() time.Time { return time.Now().Add(300*time.Millisecond - slowestBody) })
	s := httptest.NewServer(bodyInTime(almost)(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		if body, err := io.ReadAll(req.Body); string(body) != "all of it" || err != nil {
			t.Errorf("%q, %v", body, err)
		}
		select {
		case <-req.Context().Done():
			t.Error("the request ended with its body's deadline")
		case <-time.After(600 * time.Millisecond):
		}
	})))
	defer s.Close()
	resp, err := http.Post(s.URL, "text/plain", strings.NewReader("all of it"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}
