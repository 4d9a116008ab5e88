package lang

func init() {
	register(map[string]string{
		"the manifest cannot be read":                             "清单无法读取",
		"the manifest is not a plain file":                        "清单不是普通文件",
		"the manifest is too large to be one":                     "清单过大，不可能是清单",
		"the manifest is damaged: not JSON":                       "清单已损坏：不是 JSON",
		"the manifest is damaged":                                 "清单已损坏",
		"the manifest has format %d, this opsdeck reads up to %d": "清单格式版本为 %d，此 opsdeck 最高只能读取版本 %d",
		"use the opsdeck that made the backup, or a newer one":    "请使用制作该备份的 opsdeck，或更新的版本",
		"the manifest contradicts itself":                         "清单自相矛盾",
		"the manifest was changed after it was written":           "清单写入后被改动过",
	})
}
