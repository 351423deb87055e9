package vertex

import (
	"bytes"
	"context"
	"errors"
	"io"
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

// send makes a call, signed in. A token that is not accepted is replaced once. Errors are those of provider.SendError.
func (o *account) send(ctx context.Context, c *target) (*http.Response, error) {
	path := o.place + "/publishers/" + c.publisher + "/models/" + url.PathEscape(c.model) + ":" + c.action
	for again := false; ; again = true {
		req := gemini.Request(ctx, o.base, path, o.header, c.body, c.stream)
		maps.Copy(req.Header, c.header)
		if c.publisher != google {
			req.URL.RawQuery = "" // alt is Google's own
		}
		token := ""
		if o.source != nil {
			var err error
			if token, err = o.source.get(ctx, o.transport); err != nil {
				return unsigned(err)
			}
			req.Header["Authorization"] = []string{"Bearer " + token}
		}
		resp, err := gemini.Do(o.transport, req)
		if err != nil || resp.StatusCode != http.StatusUnauthorized || token == "" || again {
			return resp, err
		}
		_, _ = io.CopyN(io.Discard, resp.Body, maxToken)
		_ = resp.Body.Close()
		o.source.drop(token)
	}
}

// unsigned turns what the token endpoint said into an answer: the account is at fault, or Google is busy.
func unsigned(err error) (*http.Response, error) {
	var r *refusal
	if !errors.As(err, &r) {
		return nil, err
	}
	status, message := http.StatusUnauthorized, "The token endpoint does not accept the service account"
	if r.status == http.StatusTooManyRequests || r.status >= http.StatusInternalServerError {
		status, message = http.StatusServiceUnavailable, "The token endpoint does not answer"
	}
	if r.code != "" {
		message += ": " + r.code
	}
	body := wire.ErrorBody(fault.New(status, "token_"+strconv.Itoa(r.status), message+"."))
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
	}, nil
}
