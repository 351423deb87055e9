package socket

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// Why a request is no handshake.
var (
	ErrUpgrade = fault.New(http.StatusUpgradeRequired, "upgrade_required",
		"This address speaks WebSocket: connect with wss:// and let the connection be upgraded.")
	ErrVersion = fault.ErrInvalid.Saying("Only version 13 of the WebSocket protocol is spoken.").At("Sec-WebSocket-Version")
	ErrKey     = fault.ErrInvalid.Saying("The key of the WebSocket handshake is missing or malformed.").At("Sec-WebSocket-Key")
)

// Check says why a request cannot be accepted, so that it can be answered in the words of its surface.
// Codes: upgrade_required, invalid_parameter with the header.
func Check(req *http.Request) error {
	keys := req.Header.Values("Sec-WebSocket-Key")
	switch {
	case !req.ProtoAtLeast(1, 1) || req.ProtoMajor != 1,
		!names(req.Header.Values("Connection"), "upgrade"), !names(req.Header.Values("Upgrade"), "websocket"):
		return ErrUpgrade
	case req.Header.Get("Sec-WebSocket-Version") != "13":
		return ErrVersion
	case len(keys) != 1 || !isKey(keys[0]):
		return ErrKey
	}
	return nil
}

// names reports whether a header, which lists words, has one.
func names(header []string, word string) bool {
	for _, line := range header {
		for w := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(w), word) {
				return true
			}
		}
	}
	return false
}

func isKey(text string) bool {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	return err == nil && len(b) == 16
}

// Subprotocols are those that a request offers, in its order.
func Subprotocols(req *http.Request) (out []string) {
	for _, line := range req.Header.Values("Sec-WebSocket-Protocol") {
		for word := range strings.SplitSeq(line, ",") {
			if word = strings.TrimSpace(word); word != "" {
				out = append(out, word)
			}
		}
	}
	return out
}

// Accepting says how a request is accepted.
type Accepting struct {
	// Subprotocols are those that are spoken; the first that the request offers too is agreed on.
	Subprotocols []string
	// MaxMessage bounds what is read at once, in bytes.
	MaxMessage int64
	Now        clock.Clock
}

// Accept upgrades the connection of a request for which Check was nil. Pages of any origin may connect: who connects must show
// a secret, and cookies count for nothing. After an error the answer has been written.
func Accept(w http.ResponseWriter, req *http.Request, o Accepting) (*Conn, error) {
	var c *Conn
	ready := make(chan struct{})
	ws, err := websocket.Accept(w, req, &websocket.AcceptOptions{
		Subprotocols: o.Subprotocols, InsecureSkipVerify: true,
		OnPingReceived: func(context.Context, []byte) bool { <-ready; return c.pinged(o.Now()) },
	})
	if err != nil {
		return nil, err
	}
	c = newConn(ws, o.MaxMessage)
	close(ready)
	return c, nil
}

// pinged decides whether a ping is answered. Who sends too many is sent away.
func (c *Conn) pinged(now time.Time) bool {
	if c.pings.answers(now) {
		return true
	}
	if !c.pings.flooded.Swap(true) {
		go c.Close(Refused, tooManyPings) // it waits for the goroutine that we are in
	}
	return false
}

// Dialing says whom to connect to.
type Dialing struct {
	URL          string // http or https
	Header       http.Header
	Subprotocols []string
	// Transport makes the handshake; bodies of its answers with status 101 can be written to.
	Transport  http.RoundTripper
	MaxMessage int64
}

// maxRefusal is how much is read of an answer that refuses the handshake.
const maxRefusal = 1 << 10

// ErrRefused says that there was an answer, which is not what a handshake is answered with.
var ErrRefused = errors.New("socket: the handshake was refused")

// Dial connects. When the other side refused, the error is ErrRefused and the answer is returned with the beginning of its
// body; otherwise the error is of the connection or the context's.
func Dial(ctx context.Context, o Dialing) (c *Conn, refusal *http.Response, body []byte, err error) {
	client := &http.Client{
		Transport: o.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ws, resp, err := websocket.Dial(ctx, o.URL, &websocket.DialOptions{
		HTTPClient: client, HTTPHeader: o.Header, Subprotocols: o.Subprotocols,
	})
	if err == nil {
		return newConn(ws, o.MaxMessage), nil, nil, nil
	}
	if resp == nil || resp.StatusCode == http.StatusSwitchingProtocols {
		return nil, nil, nil, err
	}
	body, _ = io.ReadAll(io.LimitReader(resp.Body, maxRefusal)) // it is in memory
	return nil, resp, body, ErrRefused
}
