package azure

import (
	"context"
	"net/http"

	"github.com/gantry-ai/gantry/internal/provider"
)

// Send makes one call. The call's model is the deployment.
func (u *upstream) Send(ctx context.Context, c *provider.Call) (*http.Response, error) {
	to, err := u.of(c)
	if err != nil {
		return nil, err
	}
	return to.Send(ctx, c)
}

// versioned puts the API version on every request.
type versioned struct {
	next  http.RoundTripper
	query string
}

// RoundTrip sends a copy: requests are shared by calls.
func (v versioned) RoundTrip(r *http.Request) (*http.Response, error) {
	out, target := *r, *r.URL
	target.RawQuery = v.query
	if r.URL.RawQuery != "" {
		target.RawQuery += "&" + r.URL.RawQuery
	}
	out.URL = &target
	return v.next.RoundTrip(&out)
}
