package app

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/contracts"
	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/surface/reference"
)

// face is a surface and where it answers.
type face struct {
	at     config.Surface
	routes func(chi.Router)
}

// faces are the surfaces of this installation.
type faces struct{ protocols, gateway, console face }

// contracts are the documents of the surfaces that are served. The gateway's names operations that the relay answers, which
// may be switched off or moved on their own.
func (f *faces) contracts() ([]*reference.Contract, error) {
	var out []*reference.Contract
	for _, c := range []struct {
		surface, file string
		enabled       bool
		parts         []face
	}{
		{"gateway", "easyai-gateway", f.gateway.at.Enabled, []face{f.gateway, f.protocols}},
		{"protocols", "protocols", f.protocols.at.Enabled, []face{f.protocols}},
		{"console", "console", f.console.at.Enabled, []face{f.console}},
		{"reference", "reference", true, []face{{config.Surface{Enabled: true}, (&reference.Surface{}).Mount}}},
	} {
		if !c.enabled {
			continue
		}
		source, err := contracts.Read(c.file)
		if err != nil {
			return nil, err
		}
		out = append(out, reference.NewContract(c.surface, source, placesOf(c.parts)...))
	}
	return out, nil
}

// placesOf asks the surfaces themselves which operations they have.
func placesOf(parts []face) []reference.Place {
	var places []reference.Place
	for _, part := range parts {
		if !part.at.Enabled {
			continue
		}
		p := reference.Place{URL: part.at.Prefix}
		if part.at.Host != "" {
			p.URL = "//" + part.at.Host + part.at.Prefix
		}
		r := chi.NewRouter()
		part.routes(r)
		// The only error that a walk has is the visitor's.
		_ = chi.Walk(r, func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
			p.Operations = append(p.Operations, method+" "+pattern)
			return nil
		})
		places = append(places, p)
	}
	return places
}
