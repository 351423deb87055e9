package vertex

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/provider/gemini"
	wire "github.com/gantry-ai/gantry/internal/wire/gemini"
)

// target is what a call is made at.
type target struct {
	publisher, model, action string
	body                     []byte
	stream                   bool
	header                   http.Header // besides the account's; nil: none
}

// send makes a call. Errors are those of provider.SendError.
func (o *account) send(ctx context.Context, c *target) (*http.Response, error) {
	path := o.place + "/publishers/" + c.publisher + "/models/" + url.PathEscape(c.model) + ":" + c.action
	req := gemini.Request(ctx, o.base, path, o.header, c.body, c.stream)
	maps.Copy(req.Header, c.header)
	if c.publisher != google {
		req.URL.RawQuery = "" // alt is Google's own
	}
	return gemini.Do(o.transport, req)
}

// errorBody says in Google's words that there is no token.
func errorBody(status int, message string) []byte {
	return wire.ErrorBody(fault.New(status, "token_"+strconv.Itoa(status), message))
}
