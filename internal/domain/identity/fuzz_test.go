package identity_test

import (
	"errors"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/identity/identitytest"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// FuzzAuthorization presents anything as a credential: nobody is let in, and why not has a code.
func FuzzAuthorization(f *testing.F) {
	w := identitytest.New(f, identity.Config{})
	f.Add("Bearer sk-gantry-0123456789")
	f.Add("bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJnYW50cnkiLCJzdWIiOiJhIiwiZXhwIjo5OTk5OTk5OTk5fQ.")
	f.Add("Bearer eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJnYW50cnkiLCJzaWQiOiIwMTljOGE0NS0wYTAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEifQ.AAAA")
	f.Add("Basic YTpi")
	f.Fuzz(func(t *testing.T, authorization string) {
		who, err := w.Directory.Authenticate(t.Context(), authorization)
		var refused *fault.Error
		if who != nil || !errors.As(err, &refused) || refused.Status != 401 || refused.Code == "" {
			t.Errorf("%q is %+v, %v", authorization, who, err)
		}
	})
}
