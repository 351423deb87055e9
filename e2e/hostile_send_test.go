package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// hostileDeadline is how long any case may take.
const hostileDeadline = 5 * time.Second

// hostileAnswer is what came back.
type hostileAnswer struct {
	status int
	header http.Header
	body   []byte
	// closed says that the connection ended behind the answer; rest is what came on it besides.
	closed bool
	rest   []byte
	// all are the statuses of a load.
	all []int
	// took is how long the exchange took; 0: it was not measured by itself.
	took time.Duration
}

// send makes the request of a case.
func (w *hostileWorld) sendCase(c *hostileCase) (*hostileAnswer, error) {
	switch c.Kind {
	case "raw":
		return w.sendRaw(c)
	case "load":
		return w.sendLoad(c)
	case "sequence":
		return w.sendSteps(c)
	}
	return w.sendRequest(c, "")
}

func (w *hostileWorld) sendRequest(c *hostileCase, turn string) (*hostileAnswer, error) {
	path, err := w.fill(c.Path)
	if err != nil {
		return nil, err
	}
	query, err := w.fill(c.Query)
	if err != nil {
		return nil, err
	}
	body, err := w.body(c)
	if err != nil {
		return nil, err
	}
	// The path is sent as it is written: no client tidies it up.
	req, err := http.NewRequest(c.Method, w.url, bytes.NewReader(bytes.ReplaceAll(body, []byte("{{i}}"), []byte(turn))))
	if err != nil {
		return nil, err
	}
	req.URL.Opaque = "//" + w.vars["host"] + path
	req.URL.RawQuery = query
	if credential := w.credentials[c.As]; credential != "" {
		req.Header.Set("Authorization", "Bearer "+credential)
	}
	for name, value := range c.Headers {
		if value, err = w.fill(value); err != nil {
			return nil, err
		}
		req.Header.Set(name, value)
	}
	return w.exchange(req)
}

func (w *hostileWorld) exchange(req *http.Request) (*hostileAnswer, error) {
	client := http.Client{
		Timeout:       hostileDeadline,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	sent := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	took := time.Since(sent)
	if resp.Close && resp.StatusCode == http.StatusRequestHeaderFieldsTooLarge {
		err = nil // the server hangs up on what it did not read, which may come as a reset
	}
	return &hostileAnswer{status: resp.StatusCode, header: resp.Header, body: body, closed: resp.Close, took: took}, err
}

// sendRaw writes bytes to a connection, reads one answer, and then what else comes until the server ends it.
func (w *hostileWorld) sendRaw(c *hostileCase) (*hostileAnswer, error) {
	text, err := w.fill(c.Raw)
	if err != nil {
		return nil, err
	}
	conn, err := net.DialTimeout("tcp", w.vars["host"], hostileDeadline)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(hostileDeadline)); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, text); err != nil {
		return nil, err
	}
	if len(c.Steps) > 0 { // the only one of raw cases: half_close_after_send
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil { //nolint:forcetypeassert // dialled as TCP
			return nil, err
		}
	}
	return readRaw(conn)
}

func readRaw(conn net.Conn) (*hostileAnswer, error) {
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a := &hostileAnswer{status: resp.StatusCode, header: resp.Header}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Second)) // a connection that is kept says nothing any more
	a.rest, err = io.ReadAll(r)
	var timeout net.Error
	a.closed = !errors.As(err, &timeout) || !timeout.Timeout()
	return a, nil
}

// loadTurns is how often a load repeats its request; that is far above every limit that the cases speak of.
const loadTurns = 40

func (w *hostileWorld) sendLoad(c *hostileCase) (*hostileAnswer, error) {
	var last *hostileAnswer
	var all []int
	for i := range loadTurns {
		a, err := w.sendRequest(c, strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		last, all = a, append(all, a.status)
	}
	last.all = all
	return last, nil
}

// sendSteps makes the requests of a sequence one after the other; the last answer counts.
func (w *hostileWorld) sendSteps(c *hostileCase) (*hostileAnswer, error) {
	var last *hostileAnswer
	for _, step := range c.Steps {
		m, ok := step.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("the step %v is written in words", step)
		}
		one := *c
		one.Headers = map[string]string{"Content-Type": "application/json"}
		for name, value := range m {
			if name == "body" {
				one.Body = value
			} else {
				one.Method, one.Path = name, fmt.Sprint(value)
			}
		}
		a, err := w.sendRequest(&one, "")
		if err != nil {
			return nil, err
		}
		last = a
	}
	return last, nil
}

// structured reports whether the steps of a case are requests, not sentences.
func (c *hostileCase) structured() bool {
	for _, step := range c.Steps {
		m, ok := step.(map[string]any)
		if !ok || !hasMethod(m) {
			return false
		}
	}
	return len(c.Steps) > 0
}

func hasMethod(step map[string]any) bool {
	for name := range step {
		if name == strings.ToUpper(name) {
			return true
		}
	}
	return false
}
