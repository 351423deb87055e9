package probe

import (
	"strconv"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
)

// Text is a text in the languages that people read. The zero value is no text.
type Text struct{ EN, ZH string }

// In returns the text in a language, "zh" or any other for English.
func (t Text) In(language string) string {
	if language == "zh" {
		return t.ZH
	}
	return t.EN
}

var (
	notRun         = Text{"Not run, because an earlier step failed.", "前面的步骤未通过,未执行。"}
	invalid        = Text{"The settings are not valid.", "设置无效。"}
	correct        = Text{"Correct the fields of the form.", "请更正表单中的字段。"}
	noNetwork      = Text{"The simulation needs no network.", "模拟引擎不需要网络。"}
	everybody      = Text{"The simulation takes everybody.", "模拟引擎接受任何人。"}
	unlisted       = Text{"The provider does not list its models.", "该供应商不提供模型列表。"}
	cannotList     = Text{"The provider cannot list its models.", "该供应商无法列出模型。"}
	nothingToCall  = Text{"There is no model to call. Enter one to try it.", "没有可调用的模型,请填写一个再试。"}
	namesAddress   = Text{"The base URL names an address.", "接口地址直接给出了 IP。"}
	noLookUp       = Text{"The host name needed no look-up here.", "主机名无需在本机解析。"}
	plainHTTP      = Text{"The base URL is plain HTTP.", "接口地址使用明文 HTTP。"}
	wasThere       = Text{"The connection was there already.", "连接已经存在。"}
	credentialGood = Text{"The upstream took the credential.", "上游接受了凭据。"}

	checkHost    = Text{"Check the base URL for typing mistakes, and the name server of this machine.", "请检查接口地址是否写错,以及本机的域名服务器。"}
	checkPort    = Text{"Check the port in the base URL, firewalls, and whether a proxy is needed.", "请检查接口地址的端口、防火墙,以及是否需要代理。"}
	checkTime    = Text{"The upstream did not answer in time. Check the port in the base URL.", "上游没有及时应答,请检查接口地址的端口。"}
	checkIssuer  = Text{"The certificate's issuer is not trusted. Add it to this machine's trusted certificates.", "证书的签发者不受信任,请将其加入本机的受信任证书。"}
	checkName    = Text{"The certificate is for another host. Check the host name in the base URL.", "证书属于另一台主机,请检查接口地址中的主机名。"}
	checkClock   = Text{"The certificate has expired or is not valid yet. Check the clock of this machine.", "证书已过期或尚未生效,请检查本机时钟。"}
	checkScheme  = Text{"The port does not speak TLS. Try http:// or another port.", "该端口不支持 TLS,请改用 http:// 或其他端口。"}
	checkAddress = Text{"Check the host and port in the base URL.", "请检查接口地址的主机和端口。"}
)

var advices = map[inference.Category]Text{
	inference.Authentication: {"Wrong key, or a key of another region. Copy it again from the provider's console.", "密钥错误,或属于其他区域。请从供应商控制台重新复制。"},
	inference.Permission:     {"The key is known but may not do this. Check its permissions and the project it belongs to.", "密钥有效但没有权限,请检查其权限和所属项目。"},
	inference.NotFound:       {"The model or path does not exist there. Check the model's name and the path of the base URL.", "模型或路径不存在,请检查模型名称和接口地址的路径。"},
	inference.RateLimited:    {"The account's rate limit is reached. Try again in a minute.", "账号已达速率上限,请一分钟后再试。"},
	inference.QuotaExhausted: {"The account has no credit left. Top it up at the provider.", "账号余额不足,请在供应商处充值。"},
	inference.Timeout:        {"Check the base URL and the network, then try again.", "请检查接口地址和网络后再试。"},
	inference.Connect:        {"Check the base URL, firewalls, and whether a proxy is needed.", "请检查接口地址、防火墙,以及是否需要代理。"},
	inference.Overloaded:     {"The provider is overloaded. Try again later.", "供应商负载过高,请稍后再试。"},
	inference.ServerError:    {"The provider has a problem of its own. Try again later.", "供应商自身出现故障,请稍后再试。"},
	inference.Protocol:       {"The answer is not of this provider's kind. Check the path of the base URL, often /v1.", "应答不是该类供应商的格式,请检查接口地址的路径,通常为 /v1。"},
	inference.InvalidRequest: {"The provider did not accept the smallest request. Try another model.", "供应商拒绝了最小的请求,请换一个模型再试。"},
	inference.Canceled:       {"The test was stopped.", "测试已停止。"},
}

func advice(c inference.Category) Text {
	if text, ok := advices[c]; ok {
		return text
	}
	return Text{"See what the provider says of this.", "请查看供应商的说明。"}
}

// saw says what came back: the status and what the upstream said of it, where that is safe to show.
func saw(e *provider.Error) Text {
	status := strconv.Itoa(e.Status)
	text := Text{"The upstream did not answer.", "上游没有应答。"}
	switch {
	case e.Status != 0:
		text = Text{"The upstream answered with status " + status + ".", "上游返回状态码 " + status + "。"}
	case e.Category == inference.Timeout:
		text = Text{"The upstream did not answer in time.", "上游没有及时应答。"}
	}
	if e.Message != "" && e.Status != 0 {
		text.EN += " It said: " + e.Message
		text.ZH += "原文:" + e.Message
	}
	return text
}

// plural counts things in English.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if thing[len(thing)-1] == 's' {
		thing += "e"
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

func countOf(n int) Text { return Text{plural(n, "model"), strconv.Itoa(n) + " 个模型"} }

func addresses(host string, n int) Text {
	return Text{host + " has " + plural(n, "address") + ".", host + " 有 " + strconv.Itoa(n) + " 个地址。"}
}
