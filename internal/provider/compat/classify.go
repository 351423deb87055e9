package compat

import (
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// rule tells a category by a name, in lower case. A star at an end stands for anything.
type rule struct {
	like string
	is   inference.Category
}

func (r rule) fits(name string) bool {
	like, before := strings.CutPrefix(r.like, "*")
	like, behind := strings.CutSuffix(like, "*")
	switch {
	case before && behind:
		return strings.Contains(name, like)
	case before:
		return strings.HasSuffix(name, like)
	case behind:
		return strings.HasPrefix(name, like)
	}
	return name == like
}

// Classify asks the vendor's rules first: what one calls a code may be another's word for something else.
func (u *upstream) Classify(r *http.Response, body []byte) provider.Outcome {
	o := u.Upstream.Classify(r, body)
	code, typ, _, message := wire.ParseError(body)
	if e, ok := u.within.find(body); ok && code == "" && message == "" {
		code, message = e.code, e.message
		o.Code, o.Message = provider.CleanCode(code), provider.Scrub(message, u.key.Reveal(), u.host)
	}
	if k, ok := u.category(r.StatusCode, code, typ, message); ok {
		o.Category = k
	}
	return o
}

// category is what the vendor's rules say.
func (v *vendor) category(status int, code, typ, message string) (inference.Category, bool) {
	for _, name := range [...]string{code, typ} {
		if k, ok := match(v.errors, name); ok {
			return k, true
		}
	}
	if k, ok := match(v.says, message); ok {
		return k, true
	}
	k, ok := v.statuses[status]
	return k, ok
}

func match(rules []rule, name string) (inference.Category, bool) {
	if name == "" || len(rules) == 0 {
		return "", false
	}
	name = strings.ToLower(name)
	for _, r := range rules {
		if r.fits(name) {
			return r.is, true
		}
	}
	return "", false
}
