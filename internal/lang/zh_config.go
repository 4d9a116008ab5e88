package lang

func init() {
	register(map[string]string{
		"%s holds a secret and others can read it; run: chmod 600 %s": "%s 含有机密，而且其他用户可以读取；请执行：chmod 600 %s",
	})
}
