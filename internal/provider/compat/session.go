package compat

import (
	"context"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/socket"
)

// opener is what the adapter "openai" makes of an account.
type opener interface {
	OpenSessionNaming(ctx context.Context, c *provider.Call, param string, reader provider.Upstream) (socket.Line, error)
}

// OpenSession opens a session where the vendor has sessions.
func (u *upstream) OpenSession(ctx context.Context, c *provider.Call) (socket.Line, error) {
	to, ok := u.calls[inference.Realtime].(opener)
	if !ok {
		return nil, errKind
	}
	return to.OpenSessionNaming(ctx, c, "model", u)
}

var _ provider.SessionOpener = (*upstream)(nil)
