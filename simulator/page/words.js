// The page's words in two languages. What the server says (a fault's title, a refusal, an event) is shown as the server says it.

const EN = {
  title: "A world to practise in",
  skip: "Skip to the content",
  clock: "Simulated clock",
  speed: "Speed",
  pause: "Pause",
  run: "Run",
  paused: "paused",
  pace: "{n}× real time",
  by_hand: "moves only when wound",
  plus_minute: "+1 min",
  plus_ten: "+10 min",
  plus_hour: "+1 h",
  winding: "winding …",
  all_well: "All is well",
  all_well_more: "{services} services, {pods} pods ready, {nodes} nodes.",
  trouble_one: "1 service is in trouble",
  trouble: "{n} services are in trouble",
  node_trouble: "A node is in trouble",
  loading: "Looking …",
  edge: "At the edge",
  requests: "Requests",
  per_second: "a second",
  errors: "Errors",
  p95: "95th percentile",
  queues: "Queues",
  waiting: "{n} waiting",
  graph: "Who calls whom",
  numbers: "Numbers on every line",
  others: "Called by nobody",
  pods_ready: "{ready} of {wanted} pods ready",
  rate: "{n}/s",
  rate_long: "{n} requests a second",
  errors_long: "{n} errors",
  well: "healthy",
  degraded: "degraded",
  down: "failing",
  asleep: "scaled to zero",
  close: "Close",
  calls_out: "Calls",
  calls_in: "Called by",
  pods: "Pods",
  customers: "customers",
  restarts: "{n} restarts",
  faults: "Faults",
  no_faults: "Nothing is broken on purpose.",
  healed: "healed",
  unhealed: "not healed",
  injected: "since {at}",
  reveal: "Reveal the answer",
  hide: "Hide the answer",
  remove: "Take it back",
  answer_fault: "Fault",
  answer_title: "In words",
  answer_target: "Injected at",
  answer_component: "To be changed",
  answer_change: "What was done",
  answer_repairs: "Repairs, best first",
  answer_params: "Parameters",
  inject: "Break something",
  category: "Category",
  fault: "Fault",
  target: "Where",
  any_target: "the simulator’s choice",
  no_target: "nothing it suits",
  submit: "Inject",
  surprise: "Surprise me",
  surprised: "Something was broken. Find out what.",
  done: "Injected.",
  removed: "Taken back.",
  events: "Warnings",
  no_events: "No warning in the last hour.",
  times: "× {n}",
  scenarios: "Scenarios",
  start: "Start",
  started: "Started.",
  until: "from {from} to {to}",
  nothing_wrong: "Nothing is wrong: whoever said so is right.",
  nodes: "Nodes",
  no_node: "Without a node",
  ready: "ready",
  not_ready: "not ready",
  cordoned: "cordoned",
  terminal: "From a terminal",
  kubeconfig: "Download kubeconfig",
  copy: "Copy",
  copied: "Copied.",
  lost: "The connection to the simulator is lost. What you see is from {at}; trying again.",
  lost_first: "The simulator does not answer; trying again.",
  admission: "admission",
  scheduling: "scheduling",
  startup: "startup",
  runtime: "runtime",
  routing: "service routing",
  performance: "performance",
  infrastructure: "infrastructure",
  change: "change",
  rollback: "roll back",
  patch_workload: "change the workload",
  patch_service: "change the Service",
  patch_config: "change the configuration",
  patch_policy: "change the policy",
  raise_quota: "raise the quota",
  create_object: "create what is missing",
  delete_object: "delete what is in the way",
  scale: "scale",
  restart: "restart",
  delete_pod: "delete the pod",
  uncordon: "uncordon the node",
  drain_node: "drain the node",
  escalate: "escalate: nothing in the cluster mends it",
  other_language: "中文",
};

const ZH = {
  title: "一个可以练习的世界",
  skip: "跳到正文",
  clock: "模拟时钟",
  speed: "速度",
  pause: "暂停",
  run: "继续",
  paused: "已暂停",
  pace: "{n} 倍速",
  by_hand: "仅在拨动时前进",
  plus_minute: "+1 分钟",
  plus_ten: "+10 分钟",
  plus_hour: "+1 小时",
  winding: "正在拨动……",
  all_well: "一切正常",
  all_well_more: "{services} 个服务，{pods} 个 Pod 就绪，{nodes} 个节点。",
  trouble_one: "1 个服务出现异常",
  trouble: "{n} 个服务出现异常",
  node_trouble: "有节点出现异常",
  loading: "正在查看……",
  edge: "入口",
  requests: "请求",
  per_second: "每秒",
  errors: "错误率",
  p95: "P95 延迟",
  queues: "队列",
  waiting: "{n} 条等待",
  graph: "调用关系",
  numbers: "显示所有连线的数值",
  others: "无人调用",
  pods_ready: "{ready}/{wanted} 个 Pod 就绪",
  rate: "{n}/秒",
  rate_long: "每秒 {n} 个请求",
  errors_long: "错误率 {n}",
  well: "健康",
  degraded: "降级",
  down: "不可用",
  asleep: "已缩容到零",
  close: "关闭",
  calls_out: "调用",
  calls_in: "被调用",
  pods: "Pod",
  customers: "顾客",
  restarts: "重启 {n} 次",
  faults: "故障",
  no_faults: "目前没有注入任何故障。",
  healed: "已恢复",
  unhealed: "未恢复",
  injected: "自 {at} 起",
  reveal: "揭晓答案",
  hide: "隐藏答案",
  remove: "撤销",
  answer_fault: "故障",
  answer_title: "说明",
  answer_target: "注入位置",
  answer_component: "应当修改",
  answer_change: "所做的改动",
  answer_repairs: "修复方式（由优到次）",
  answer_params: "参数",
  inject: "制造一个故障",
  category: "类别",
  fault: "故障",
  target: "位置",
  any_target: "由模拟器选择",
  no_target: "没有合适的位置",
  submit: "注入",
  surprise: "给我一个惊喜",
  surprised: "已有东西坏了，请找出它。",
  done: "已注入。",
  removed: "已撤销。",
  events: "告警事件",
  no_events: "最近一小时没有告警事件。",
  times: "× {n}",
  scenarios: "场景",
  start: "开始",
  started: "已开始。",
  until: "{from} 至 {to}",
  nothing_wrong: "没有任何问题，说一切正常的人是对的。",
  nodes: "节点",
  no_node: "尚无节点",
  ready: "就绪",
  not_ready: "未就绪",
  cordoned: "已禁止调度",
  terminal: "在终端中使用",
  kubeconfig: "下载 kubeconfig",
  copy: "复制",
  copied: "已复制。",
  lost: "与模拟器的连接已断开。当前内容来自 {at}，正在重试。",
  lost_first: "模拟器没有应答，正在重试。",
  admission: "准入",
  scheduling: "调度",
  startup: "启动",
  runtime: "运行时",
  routing: "服务路由",
  performance: "性能",
  infrastructure: "基础设施",
  change: "变更",
  rollback: "回滚",
  patch_workload: "修改工作负载",
  patch_service: "修改 Service",
  patch_config: "修改配置",
  patch_policy: "修改策略",
  raise_quota: "提高配额",
  create_object: "创建缺少的对象",
  delete_object: "删除碍事的对象",
  scale: "扩缩容",
  restart: "重启",
  delete_pod: "删除 Pod",
  uncordon: "解除禁止调度",
  drain_node: "排空节点",
  escalate: "上报：集群内无法修复",
  other_language: "English",
};

const ALL = { en: EN, zh: ZH };
const KEPT = "simulator-language";

export function language() {
  return document.documentElement.lang === "zh" ? "zh" : "en";
}

export function say(word, values = {}) {
  const text = Object.hasOwn(ALL[language()], word) ? ALL[language()][word] : word;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

export function recall() {
  const kept = localStorage.getItem(KEPT);
  if (kept in ALL) document.documentElement.lang = kept;
}

export function change() {
  document.documentElement.lang = language() === "zh" ? "en" : "zh";
  localStorage.setItem(KEPT, language());
}

// The words that stand in the page itself.
export function translate(root = document) {
  for (const node of root.querySelectorAll("[data-word]")) node.textContent = say(node.dataset.word);
  for (const node of root.querySelectorAll("[data-word-label]")) node.setAttribute("aria-label", say(node.dataset.wordLabel));
  document.title = say("title");
}

export const number = (value, digits = 0) =>
  new Intl.NumberFormat(language() === "zh" ? "zh-CN" : "en-GB", { maximumFractionDigits: digits }).format(value);

export function rate(value) {
  return number(value, value < 10 ? 1 : 0);
}

export function percent(ratio) {
  const value = ratio * 100;
  return `${number(value, value > 0 && value < 10 ? (value < 0.1 ? 2 : 1) : 0)} %`;
}

export function seconds(value) {
  if (value === null || value === undefined) return "–";
  return value < 1 ? `${number(value * 1000, value < 0.01 ? 1 : 0)} ms` : `${number(value, 2)} s`;
}

export const timeOf = (stamp) => stamp.slice(11, 19);
