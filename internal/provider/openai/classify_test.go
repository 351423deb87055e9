package openai

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	u := &upstream{base: &url.URL{Host: "llm.corp.example:8443"}, key: secret.New("the-credential")}
	for _, c := range []struct {
		status int
		body   string
		want   inference.Category
	}{
		{400, `{"error":{"message":"bad","type":"invalid_request_error","code":null}}`, inference.InvalidRequest},
		{400, `{"error":{"code":"1301","message":"sensitive"}}`, inference.ContentPolicy},
		{400, `{"object":"error","message":"This model's maximum context length is 4096 tokens.","code":400}`, inference.ContextLength},
		{400, `{"error":{"code":"Arrearage","message":"overdue"}}`, inference.QuotaExhausted},
		{400, `{"code":20012,"message":"Model does not exist.","data":null}`, inference.NotFound},
		{401, `"Invalid token"`, inference.Authentication},
		{402, `{"error":{"message":"Insufficient Balance"}}`, inference.QuotaExhausted},
		{403, `{"error":{"code":"model_not_found","message":"x"}}`, inference.Permission},
		{403, `{"code":30001,"message":"balance"}`, inference.QuotaExhausted},
		{404, ``, inference.NotFound},
		{405, `<html>`, inference.Protocol},
		{408, ``, inference.Timeout},
		{409, `{"error":{"type":"conflict_error"}}`, inference.Overloaded},
		{413, `<html>nginx</html>`, inference.InvalidRequest},
		{422, ``, inference.InvalidRequest},
		{429, `{"error":{"type":"tokens","code":"rate_limit_exceeded"}}`, inference.RateLimited},
		{429, `{"error":{"type":"engine_overloaded_error"}}`, inference.Overloaded},
		{429, `{"error":{"type":"exceeded_current_quota_error"}}`, inference.QuotaExhausted},
		{429, `{"error":{"code":"1113"}}`, inference.QuotaExhausted},
		{429, `{"error":{"code":"billing_hard_limit_reached","type":"x"}}`, inference.QuotaExhausted},
		{451, ``, inference.ContentPolicy},
		{498, ``, inference.Overloaded},
		{500, `{"error":{"type":"server_error"}}`, inference.ServerError},
		{500, strings.Repeat("<p>", 1000), inference.ServerError},
		{502, ``, inference.ServerError},
		{503, ``, inference.Overloaded},
		{504, ``, inference.Timeout},
		{529, ``, inference.Overloaded},
		{302, ``, inference.Protocol},
		{200, ``, inference.Protocol},
	} {
		got := u.Classify(&http.Response{StatusCode: c.status}, []byte(c.body))
		if got.Category != c.want || strings.Contains(got.Message, "<") {
			t.Errorf("%d %.60s: %+v, want %s", c.status, c.body, got, c.want)
		}
	}
	got := u.Classify(&http.Response{StatusCode: http.StatusInternalServerError}, []byte(`{"error":{"message":"the-credential at llm.corp.example:8443 from 10.1.2.3:99","code":"a b"}}`))
	if got.Message != "*** at *** from ***" || got.Code != "" {
		t.Errorf("got %+v", got)
	}
}
