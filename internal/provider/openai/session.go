package openai

import (
	"context"
	"maps"
	"net/url"

	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/socket"
)

// realtimePath is where sessions are opened, behind the base URL.
const realtimePath = "/realtime"

// OpenSession opens a session over WebSocket.
func (u *upstream) OpenSession(ctx context.Context, c *provider.Call) (socket.Line, error) {
	return u.OpenSessionNaming(ctx, c, "model", u)
}

// OpenSessionNaming is OpenSession for servers that take the model under another name, and whose refusals reader understands.
func (u *upstream) OpenSessionNaming(
	ctx context.Context, c *provider.Call, param string, reader provider.Upstream,
) (socket.Line, error) {
	target := *u.base
	target.Path += realtimePath
	if target.RawPath != "" {
		target.RawPath += realtimePath
	}
	target.RawQuery = url.Values{param: {c.Model}}.Encode()
	header := maps.Clone(withCallers(u.header, c.Header))
	delete(header, "Content-Type")
	line, refusal, body, err := socket.Dial(ctx, socket.Dialing{
		URL: target.String(), Header: header, Transport: u.transport, MaxMessage: provider.MaxSessionMessage,
	})
	switch {
	case refusal != nil:
		return nil, provider.Refused(reader, refusal, body)
	case err != nil:
		return nil, provider.SendError(ctx, err)
	}
	return line, nil
}

var _ provider.SessionOpener = (*upstream)(nil)
