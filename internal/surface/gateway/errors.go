package gateway

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// fail answers in the gateway's envelope.
func fail(w http.ResponseWriter, req *http.Request, f *fault.Error) {
	// The envelope is made of texts and a number: encoding it cannot fail.
	_ = httpx.WriteJSON(w, f.Status, api.HttpapiErrorEnvelope{Error: api.HttpapiErrorPayload{
		Code: f.Code, Message: f.Message, Status: f.Status, RequestId: httpx.RequestID(req), Path: f.Path,
	}})
}
