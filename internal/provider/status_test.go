package provider_test

import (
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
)

func TestByStatus(t *testing.T) {
	t.Parallel()
	own := map[int]inference.Category{409: inference.Overloaded, 503: inference.QuotaExhausted}
	for status, want := range map[int]inference.Category{
		302: inference.Protocol, 400: inference.InvalidRequest, 401: inference.Authentication, 403: inference.Permission,
		404: inference.NotFound, 408: inference.Timeout, 409: inference.Overloaded, 418: inference.InvalidRequest,
		429: inference.RateLimited, 500: inference.ServerError, 503: inference.QuotaExhausted, 504: inference.Timeout,
		599: inference.ServerError, 0: inference.Protocol,
	} {
		if got := provider.ByStatus(status, own); got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
	if got := provider.ByStatus(503, nil); got != inference.Overloaded {
		t.Errorf("503: %s", got)
	}
}
