package compat

import (
	"context"
	"errors"
	"net/http"

	"github.com/gantry-ai/gantry/internal/provider"
)

var errKind = errors.New("compat: the vendor has no such operation")

// Send makes one call. An error in an answer of status 200 gets the status that it should have had.
func (u *upstream) Send(ctx context.Context, c *provider.Call) (*http.Response, error) {
	to := u.calls[c.Kind]
	if to == nil {
		return nil, errKind
	}
	if u.edits != nil {
		call := *c
		call.Body = u.edits.apply(c.Body)
		c = &call
	}
	resp, err := to.Send(ctx, c)
	if err != nil || u.within == nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	return u.looked(ctx, resp)
}

// Models asks for the vendor's models; those without a list say not_found.
func (u *upstream) Models(ctx context.Context) ([]string, error) {
	return u.Upstream.(provider.ModelLister).Models(ctx) //nolint:forcetypeassert // the adapter "openai" is one
}
