package gateway_test

import (
	"slices"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

func TestNetworkProxy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{})
	see := edits{get, "/api/admin/config/network-proxy", "getAdminNetworkProxyConfig"}
	w.run(t, slices.Concat([]surfacetest.Request{see.ok("network proxy", "", 200)}, see.closed("")))
}
