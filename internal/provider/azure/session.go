package azure

import (
	"context"

	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/socket"
)

// opener is what the adapter "openai" makes of an account.
type opener interface {
	OpenSessionNaming(ctx context.Context, c *provider.Call, param string, reader provider.Upstream) (socket.Line, error)
}

// OpenSession opens a session with a deployment, which the older form names in the query.
func (u *upstream) OpenSession(ctx context.Context, c *provider.Call) (socket.Line, error) {
	param := "model"
	if u.deployments != nil {
		param = "deployment"
	}
	return u.shared.(opener).OpenSessionNaming(ctx, c, param, u) //nolint:forcetypeassert // the adapter "openai" is one
}

var _ provider.SessionOpener = (*upstream)(nil)
