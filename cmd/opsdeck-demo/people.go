package main

import (
	"fmt"
	"math/rand/v2"
)

// The words that the world's people, firms and goods are made of.
var (
	surnames = []string{
		"王",
		"李",
		"张",
		"刘",
		"陈",
		"杨",
		"赵",
		"黄",
		"周",
		"吴",
		"徐",
		"孙",
		"胡",
		"朱",
		"高",
		"林",
		"何",
		"郭",
		"马",
		"罗",
	}
	given = []string{
		"伟",
		"芳",
		"娜",
		"敏",
		"静",
		"丽",
		"强",
		"磊",
		"洋",
		"艳",
		"勇",
		"军",
		"杰",
		"娟",
		"涛",
		"明",
		"超",
		"秀英",
		"建国",
		"晓东",
		"文博",
		"雨欣",
	}
	cities  = []string{"杭州", "苏州", "宁波", "嘉兴", "湖州", "绍兴", "温州", "台州", "金华", "上海", "无锡", "南京"}
	brands  = []string{"千禾", "瑞丰", "恒泰", "新源", "永盛", "佳美", "华联", "锦江", "东方", "绿源", "老街坊", "聚福", "同兴", "万家"}
	trades  = []string{"食品有限公司", "商贸有限公司", "餐饮管理有限公司", "连锁超市", "农产品批发部", "豆制品经营部", "食堂配送中心"}
	streets = []string{"解放路", "人民路", "中山北路", "文一西路", "新华街", "东门大道", "滨河路", "学院路"}
	goods   = []string{
		"薄千张",
		"厚千张",
		"千张结",
		"千张丝",
		"豆腐皮",
		"素鸡",
		"白豆干",
		"五香豆干",
		"油豆腐",
		"腐竹",
		"老豆腐",
		"嫩豆腐",
		"豆浆",
		"臭豆腐",
		"香干",
		"豆腐乳",
		"冻豆腐",
		"豆渣饼",
		"黄豆芽",
		"绿豆芽",
	}
	packs = []struct {
		name, unit string
		factor     float64
	}{{"散装", "斤", 1}, {"500g 袋装", "袋", 1.2}, {"10 斤箱装", "箱", 9.5}}
	remarks  = []string{"", "", "", "", "加急，上午十点前送到", "周末送货", "发票随货", "分两次配送", "冷链运输", "老客户，优先安排 🚚"}
	methods  = []string{"银行转账", "微信", "支付宝", "现金", "承兑汇票"}
	statuses = []string{"PENDING", "APPROVED", "FULFILLED", "FULFILLED", "FULFILLED", "FULFILLED", "CANCELLED"}
	agents   = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/143.0",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_1) MicroMessenger/8.0",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 15_6) Safari/605.1",
		"okhttp/5.1.0",
	}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func person(r *rand.Rand) string { return pick(r, surnames) + pick(r, given) }

func firm(r *rand.Rand) string { return pick(r, cities) + pick(r, brands) + pick(r, trades) }

func street(r *rand.Rand) string { return fmt.Sprintf("%s%d号", pick(r, streets), 1+r.IntN(400)) }

func phone(r *rand.Rand) string { return fmt.Sprintf("1%d%09d", 3+r.IntN(7), r.IntN(1e9)) }

// money is an amount as DECIMAL text.
func money(cents int64) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

// userName is the person behind a user id of the audit rows.
func userName(id int) string { return surnames[id%len(surnames)] + given[(id*7)%len(given)] }
