package provider

import (
	"context"
	"errors"
	"net/http"

	"github.com/gantry-ai/gantry/internal/inference"
)

// ByStatus is what a status means where an upstream says no more. own are the statuses that it uses in a way of its own.
func ByStatus(status int, own map[int]inference.Category) inference.Category {
	if c, ok := own[status]; ok {
		return c
	}
	switch status {
	case http.StatusUnauthorized:
		return inference.Authentication
	case http.StatusForbidden:
		return inference.Permission
	case http.StatusNotFound:
		return inference.NotFound
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return inference.Timeout
	case http.StatusTooManyRequests:
		return inference.RateLimited
	case http.StatusServiceUnavailable:
		return inference.Overloaded
	}
	switch {
	case status >= http.StatusInternalServerError:
		return inference.ServerError
	case status >= http.StatusBadRequest:
		return inference.InvalidRequest
	}
	return inference.Protocol // redirects are not followed: the key is for this address only
}

// Unreached is the error of a question that got no answer, such as a list of models: an *Error.
func Unreached(ctx context.Context) error {
	o := Outcome{Category: inference.Connect, Code: "upstream_unreachable", Message: "The upstream could not be reached."}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		o = Outcome{Category: inference.Timeout, Code: "upstream_timeout", Message: "The upstream did not answer in time."}
	case ctx.Err() != nil:
		o = Outcome{Category: inference.Canceled, Code: "canceled", Message: "The call was canceled."}
	}
	return &Error{Outcome: o}
}

// Unreadable is the error of an answer with status 200 that is not what was asked for: an *Error.
func Unreadable(message string) error {
	return &Error{
		Outcome: Outcome{Category: inference.Protocol, Code: "upstream_bad_response", Message: message}, Status: http.StatusOK,
	}
}

// NoModels is the message of an answer that is no list of models.
const NoModels = "The answer is not a list of models."
