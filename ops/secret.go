package ops

import "strings"

// defaultSecrets are the passwords and keys that the field's installations come
// with, and those that everybody tries first.
var defaultSecrets = map[string]bool{
	"qianzhang_password":      true,
	"qianzhang_root_2026":     true,
	"qianzhang_pwd_2026":      true,
	"qianzhang_redis_2026":    true,
	"Admin@2026":              true,
	"123456":                  true,
	"change-me-in-production": true,
	"password":                true,
	"root":                    true,
}

// defaultPrefix is how the default key of the field's tokens begins.
const defaultPrefix = "your-super-secret-jwt-key"

// DefaultSecret tells whether a secret is one that an installation comes with.
func DefaultSecret(secret string) bool {
	return defaultSecrets[secret] || strings.HasPrefix(secret, defaultPrefix)
}

// DefaultSecretIn is the secret that an installation comes with in a line of text, as
// of a Compose file; "" where there is none. Common words are left out.
func DefaultSecretIn(line string) string {
	for secret := range defaultSecrets {
		if len(secret) > len("password") && strings.Contains(line, secret) {
			return secret
		}
	}
	if strings.Contains(line, defaultPrefix) {
		return defaultPrefix
	}
	return ""
}
