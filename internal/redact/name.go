package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	// secretEnds end the name of a secret, in small letters without - _ and dots.
	secretEnds = []string{
		"password", "passwd", "passphrase", "passcode", "pwd", "secret", "token", "credential", "credentials",
		"apikey", "accesskey", "privatekey", "secretkey", "signingkey", "signkey", "signaturekey", "encryptionkey",
		"encryptkey", "accountkey", "masterkey", "authkey", "sharedkey", "hmackey", "aeskey", "rsakey", "sshkey",
		"licensekey", "appkey", "signature",
		"密码", "口令", "密钥", "令牌", "私钥", "密碼", "密鑰", "权杖",
	}
	// secretWords are names of secrets only as whole words: "bypass" and "signal" are none.
	secretWords = []string{"pass", "sig"}
)

// SecretName tells whether a name, such as db_password, X-Api-Key, userPass or 密码, is one
// whose value is a secret. sort_key, passed and primary_key are none.
func SecretName(name string) bool {
	name = strings.TrimRight(name, "0123456789")
	flat := flatten(name)
	for _, end := range secretEnds {
		if strings.HasSuffix(flat, end) {
			return true
		}
	}
	for _, word := range secretWords {
		if strings.HasSuffix(flat, word) && wordStarts(name, len(name)-len(word)) {
			return true
		}
	}
	return false
}

var separators = strings.NewReplacer("-", "", "_", "", ".", "")

func flatten(name string) string { return separators.Replace(Small(name)) }

// wordStarts tells whether a word begins at a place in a name: as in db_pass, dbPass.
func wordStarts(name string, at int) bool {
	if at <= 0 {
		return at == 0
	}
	before, _ := utf8.DecodeLastRuneInString(name[:at])
	if !unicode.IsLetter(before) {
		return true
	}
	first, _ := utf8.DecodeRuneInString(name[at:])
	return unicode.IsUpper(first) && unicode.IsLower(before)
}

// looksSecret tells whether a word without a sign before it reads like a secret: "required"
// and "42" do not.
func looksSecret(word string, least int) bool {
	if len(word) < least {
		return false
	}
	letter := strings.ContainsFunc(word, unicode.IsLetter)
	return letter && strings.ContainsFunc(word, unicode.IsDigit)
}
