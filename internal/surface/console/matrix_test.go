package console_test

import (
	"testing"

	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

// TestPermissionMatrix holds who may do what against testdata/permissions.txt.
func TestPermissionMatrix(t *testing.T) {
	t.Parallel()
	m := surfacetest.Matrix{
		File: "testdata/permissions.txt", Routes: surfacetest.RoutesOf(empty(t).surface.Routes()),
		Open: func(t *testing.T) *surfacetest.World { t.Helper(); return populated(t).World },
	}
	m.Check(t)
}
