'use strict';
/* Draws the charts of a report, and their tables, from the rows in the element #data. */
(() => {
  const root = document.documentElement;
  const BOX = ['minimum', 'lower quartile', 'median', 'upper quartile', 'maximum'];
  const COLOURS = ['#2f9e6e', '#e0793a', '#4a8fd9', '#cf5a86', '#9a80d6', '#b3992d', '#35a5b5',
    '#8b8f94', '#c9564f', '#7a9e3c'];
  const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond', 'emptyCircle'];
  const DASHES = ['solid', 'dashed', 'dotted'];
  /** Curves of more points are drawn without a mark at each. */
  const MARKED = 40;
  const EXPORT = {width: 900, height: 540};

  const source = document.getElementById('data');
  const report = source ? JSON.parse(source.textContent) : {filters: [], charts: []};

  // ---- Rows ----

  /** Turns columns into rows of cells by name. */
  function rows(chart) {
    const count = chart.columns[0].values.length;
    return Array.from({length: count}, (_, i) => Object.fromEntries(chart.columns.map(
      ({name, texts, values}) =>
        [name, texts && values[i] !== null ? texts[values[i]] : values[i]])));
  }

  /** Returns the values of a column in order of appearance. */
  const distinct = (list, column) =>
    [...new Set(list.map(row => row[column]).filter(value => value !== null && value !== undefined))];

  /** Whether a row is among what was chosen; one without a value belongs to every choice. */
  const belongs = (row, column, chosen) =>
    row[column] === null || row[column] === undefined || chosen.has(row[column]);

  const mean = list => list.reduce((sum, value) => sum + value, 0) / list.length;

  /** The standard deviation of a sample. */
  function deviation(list) {
    const centre = mean(list);
    return Math.sqrt(list.reduce((sum, v) => sum + (v - centre) ** 2, 0) / (list.length - 1));
  }

  function grouped(list, key) {
    const groups = new Map();
    for (const row of list) {
      const name = key(row);
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(row);
    }
    return groups;
  }

  /** The columns in which a place has one value, or the mean of the values of its rows. */
  const valued = ({kind, y}) => kind === 'BOXES' ? BOX
    : kind === 'INTERVALS' ? [y.column, 'low', 'high'] : [y.column];

  /** Joins the rows of a series that have the same place. */
  function places(chart, list) {
    if (chart.kind === 'POINTS') return list.map(row => ({row, runs: 1}));
    const columns = valued(chart);
    return [...grouped(list, row => row[chart.x.column]).values()].flatMap(same => {
      const whole = same.filter(row => row[columns[0]] !== null);
      if (whole.length === 0) return [];
      const row = {...whole[0]};
      if (whole.length > 1) {
        for (const column of columns) row[column] = mean(whole.map(one => one[column]));
      }
      const sd = whole.length > 1 ? deviation(whole.map(one => one[columns[0]])) : null;
      return [{row, sd, runs: whole.length}];
    });
  }

  const key = (chart, row) => chart.series.map(column => row[column]).filter(Boolean).join(', ');

  /** What a chart shows of the rows that were chosen: series of places. */
  function view(chart, list) {
    const series = [...grouped(list, row => key(chart, row))]
      .map(([name, members]) => ({name, places: places(chart, members)}))
      .filter(one => one.places.length > 0);
    const first = list.find(row => row[chart.x.column] !== null);
    const categories = first && typeof first[chart.x.column] === 'string'
      ? distinct(list, chart.x.column) : null;
    return {series, categories};
  }

  /** The table of a view: a row for each place. */
  function table(chart, shown) {
    const banded = chart.kind !== 'BOXES' && shown.series.some(s => s.places.some(p => p.runs > 1));
    const rest = chart.kind === 'POINTS'
      ? chart.columns.map(c => c.name).filter(n => ![chart.x.column, chart.y.column].includes(n)
        && !chart.series.includes(n)) : [];
    const columns = [...chart.series, ...rest, chart.x.column, ...valued(chart)];
    const header = banded ? [...columns, '± standard deviation', 'runs'] : columns;
    const body = shown.series.flatMap(({places: all}) => all.map(({row, sd, runs}) => {
      const cells = columns.map(column => row[column]);
      return banded ? [...cells, sd, runs] : cells;
    }));
    return {header, body};
  }

  // ---- Text ----

  function number(value) {
    if (typeof value !== 'number') return value ?? '';
    const size = Math.abs(value);
    if (Number.isInteger(value) && size < 1e15) return value.toLocaleString('en');
    return size !== 0 && (size < 1e-3 || size >= 1e6)
      ? value.toExponential(3) : String(Number(value.toPrecision(5)));
  }

  /** A number beside an axis. */
  const tick = value => Math.abs(value) >= 1e5
    ? value.toExponential(1).replace('.0e', 'e').replace('e+', 'e') : number(value);

  function escaped(text) {
    const span = document.createElement('span');
    span.textContent = text;
    return span.innerHTML;
  }

  // ---- Drawing ----

  function colours() {
    const figure = document.querySelector('figure');
    const note = document.querySelector('.note');
    const {color, backgroundColor, borderTopColor} = getComputedStyle(figure);
    return {text: color, card: backgroundColor, line: borderTopColor, soft: getComputedStyle(note).color};
  }

  /** Names have the same look in all charts that show the same things. */
  const looks = new Map();
  for (const chart of report.charts) {
    const kind = chart.series.join();
    if (!looks.has(kind)) looks.set(kind, new Map());
    const names = looks.get(kind);
    for (const row of rows(chart)) {
      const name = key(chart, row);
      if (!names.has(name)) names.set(name, names.size);
    }
  }

  function look(chart, name) {
    const i = looks.get(chart.series.join()).get(name);
    return {
      color: COLOURS[i % COLOURS.length],
      symbol: SYMBOLS[i % SYMBOLS.length],
      dash: DASHES[Math.floor(i / COLOURS.length) % DASHES.length]
    };
  }

  /** The outline of the mean less and plus a standard deviation. */
  function band(name, {color}, points) {
    const ends = points.flatMap(([x, y, sd]) => [[x, y - sd], [x, y + sd]]);
    return {
      name, type: 'custom', silent: true, tooltip: {show: false}, data: ends, z: 1, clip: true,
      itemStyle: {color},
      renderItem(parameters, api) {
        if (parameters.dataIndex > 0) return null;
        const upper = points.map(([x, y, sd]) => api.coord([x, y + sd]));
        const lower = points.map(([x, y, sd]) => api.coord([x, y - sd])).reverse();
        return {type: 'polygon', shape: {points: [...upper, ...lower]}, style: {fill: color, opacity: .15}};
      }
    };
  }

  function lines(chart, {series, categories}) {
    const positive = value => !chart.y.logarithmic || value > 0;
    const place = ({row, sd}) => [
      categories ? categories.indexOf(row[chart.x.column]) : row[chart.x.column],
      row[chart.y.column], sd ?? 0];
    return series.flatMap(one => {
      const points = one.places.map(place).filter(([, y]) => positive(y));
      if (!categories) points.sort((a, b) => a[0] - b[0]);
      const style = look(chart, one.name);
      const curve = {
        name: one.name, type: 'line', data: points, symbol: style.symbol, symbolSize: 6, z: 2,
        showSymbol: points.length <= MARKED, encode: {x: 0, y: 1, tooltip: [1]},
        itemStyle: {color: style.color}, lineStyle: {color: style.color, type: style.dash, width: 2}
      };
      const wide = points.filter(([, y, sd]) => sd > 0 && positive(y - sd));
      return wide.length > 1 ? [curve, band(one.name, style, wide)] : [curve];
    });
  }

  function bars(chart, {series, categories}) {
    return series.map(one => ({
      name: one.name, type: 'bar', barMaxWidth: 16, itemStyle: {color: look(chart, one.name).color},
      data: categories.map(category => {
        const found = one.places.find(({row}) => row[chart.x.column] === category);
        return found ? found.row[chart.y.column] : null;
      })
    }));
  }

  function boxes(chart, {series, categories}, theme) {
    return series.map(one => ({
      name: one.name, type: 'boxplot', boxWidth: [4, 16],
      itemStyle: {color: theme.card, borderColor: look(chart, one.name).color, borderWidth: 1.5},
      data: categories.map(category => {
        const found = one.places.find(({row}) => row[chart.x.column] === category);
        return found ? BOX.map(column => found.row[column]) : [];
      })
    }));
  }

  function dots(chart, {series}) {
    return series.map(one => {
      const style = look(chart, one.name);
      return {
        name: one.name, type: 'scatter', symbol: style.symbol, symbolSize: 8,
        itemStyle: {color: style.color, opacity: .8},
        data: one.places.map(({row}) => ({value: [row[chart.x.column], row[chart.y.column]], row}))
      };
    });
  }

  /** Each of several series has a lane of its own in a category. */
  function intervals(chart, {series, categories}) {
    return series.map((one, lane) => {
      const style = look(chart, one.name);
      return {
        name: one.name, type: 'custom', itemStyle: {color: style.color},
        encode: {x: [1, 2, 3], y: 0}, dimensions: [chart.x.column, chart.y.column, 'low', 'high'],
        data: one.places.map(({row}) =>
          [categories.indexOf(row[chart.x.column]), row[chart.y.column],
            row.low ?? row[chart.y.column], row.high ?? row[chart.y.column]]),
        renderItem(_, api) {
          const shift = (lane - (series.length - 1) / 2) * Math.min(10, 30 / series.length);
          const at = i => {
            const [x, y] = api.coord([api.value(i), api.value(0)]);
            return [x, y + shift];
          };
          const [middle, low, high] = [at(1), at(2), at(3)];
          const rule = (from, to) => ({
            type: 'line', shape: {x1: from[0], y1: from[1], x2: to[0], y2: to[1]},
            style: {stroke: style.color, lineWidth: 2}
          });
          return {type: 'group', children: [
            rule(low, high),
            ...[low, high].map(([x, y]) => rule([x, y - 4], [x, y + 4])),
            {type: 'circle', shape: {cx: middle[0], cy: middle[1], r: 4}, style: {fill: style.color}}
          ]};
        }
      };
    });
  }

  const DRAWN = {LINES: lines, BARS: bars, POINTS: dots, BOXES: boxes, INTERVALS: intervals};

  /** Categories of these stand one below the other. */
  const isTall = chart => ['BARS', 'BOXES', 'INTERVALS'].includes(chart.kind);

  function legendRows(names, width) {
    let count = 1;
    let used = 0;
    for (const name of names) {
      const size = 7 * name.length + 46;
      if (used + size > width) {
        count++;
        used = 0;
      }
      used += size;
    }
    return count;
  }

  /** What ECharts is asked to draw. */
  function option(chart, shown, width, title) {
    const theme = colours();
    const names = shown.series.map(one => one.name);
    const legend = names.length > 1 || names[0] !== '';
    const head = (title ? 34 : 4) + (legend ? 22 * legendRows(names, width - 20) : 0);
    const axis = ({column, logarithmic}, categories) => ({
      name: column, nameLocation: 'middle', nameGap: 28, nameTextStyle: {color: theme.soft},
      type: categories ? 'category' : logarithmic ? 'log' : 'value',
      ...(categories ? {data: categories} : {scale: chart.kind !== 'BARS'}),
      axisLine: {lineStyle: {color: theme.soft}},
      axisLabel: {color: theme.soft, hideOverlap: true, ...(categories ? {} : {formatter: tick})},
      splitLine: {show: !categories, lineStyle: {color: theme.line}}
    });
    const along = axis(chart.x, shown.categories);
    const value = axis(chart.y, null);
    if (isTall(chart)) {
      Object.assign(along, {
        inverse: true, name: '', axisLabel: {color: theme.soft, width: 130, overflow: 'truncate'}
      });
    } else {
      // Above the axis there is room, however wide the numbers beside it are.
      Object.assign(value, {
        nameLocation: 'end', nameGap: 10, nameTextStyle: {color: theme.soft, align: 'left'}
      });
    }
    return {
      animation: false,
      backgroundColor: title ? theme.card : 'transparent',
      color: COLOURS,
      textStyle: {fontFamily: 'system-ui, sans-serif'},
      title: title ? {text: title, left: 8, top: 6, textStyle: {color: theme.text, fontSize: 15}} : undefined,
      legend: {
        show: legend, top: title ? 34 : 0, left: 0, itemWidth: 18, itemHeight: 9, data: names,
        textStyle: {color: theme.text}, inactiveColor: theme.line
      },
      grid: {left: 8, right: 24, top: head + (isTall(chart) ? 8 : 28), bottom: 32, containLabel: true},
      tooltip: {
        trigger: chart.kind === 'LINES' ? 'axis' : 'item', confine: true,
        backgroundColor: theme.card, borderColor: theme.line,
        textStyle: {color: theme.text, fontSize: 12},
        ...(chart.kind === 'POINTS' ? {formatter: ({data}) => described(chart, data.row)}
          : {valueFormatter: number})
      },
      xAxis: isTall(chart) ? value : along,
      yAxis: isTall(chart) ? along : value,
      series: DRAWN[chart.kind](chart, shown, theme)
    };
  }

  const described = (chart, row) => chart.columns.filter(({name}) => row[name] !== null)
    .map(({name}) => `${escaped(name)}: <b>${escaped(number(row[name]))}</b>`).join('<br>');

  function height(chart, shown, width) {
    const legend = 22 * legendRows(shown.series.map(one => one.name), width - 20);
    return isTall(chart)
      ? Math.max(220, legend + 90 + shown.categories.length * (chart.kind === 'BARS' ? 22
        : Math.max(24, 12 * shown.series.length)))
      : 290 + legend;
  }

  // ---- Elements ----

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  function save(name, address) {
    element('a', {href: address, download: name}).click();
  }

  /** The values of the report's filters that are chosen. */
  const chosen = new Map();

  class Figure {
    constructor(chart) {
      this.chart = chart;
      this.rows = rows(chart);
      this.element = document.getElementById(chart.id);
      this.canvas = this.element.querySelector('.chart');
      this.details = this.element.querySelector('details');
      this.picks = new Map();
      this.controls();
      this.details.addEventListener('toggle', () => this.fill());
      this.draw();
    }

    controls() {
      const controls = this.element.querySelector('.controls');
      for (const facet of this.chart.facets) {
        const select = element('select', {name: facet});
        select.addEventListener('change', () => {
          this.picks.set(facet, select.value);
          this.draw();
        });
        controls.append(element('label', {}, facet + ' ', select));
      }
      for (const kind of ['SVG', 'PNG']) {
        const button = element('button', {type: 'button', textContent: kind,
          title: 'Save this chart as ' + kind});
        button.addEventListener('click', () => this.save(kind));
        controls.append(button);
      }
    }

    /** Returns the rows that the filters and the facets leave. */
    chosenRows() {
      let left = this.rows;
      for (const [column, values] of chosen) {
        left = left.filter(row => belongs(row, column, values));
      }
      for (const facet of this.chart.facets) {
        const select = this.element.querySelector(`select[name="${CSS.escape(facet)}"]`);
        const values = distinct(left, facet);
        const wanted = this.picks.get(facet);
        const value = values.map(String).includes(wanted) ? wanted : String(values.at(-1));
        select.replaceChildren(...values.map(one =>
          element('option', {value: one, textContent: number(one), selected: String(one) === value})));
        left = left.filter(row => row[facet] === null || String(row[facet]) === value);
      }
      return left;
    }

    draw() {
      this.shown = view(this.chart, this.chosenRows());
      this.fill();
      if (this.shown.series.length === 0) {
        this.drawing?.dispose();
        this.drawing = null;
        this.canvas.replaceChildren(element('p', {className: 'empty', textContent: 'Nothing is chosen.'}));
        return;
      }
      const width = Math.max(200, this.canvas.clientWidth);
      const tall = height(this.chart, this.shown, width);
      if (!this.drawing) {
        this.canvas.replaceChildren();
        this.drawing = echarts.init(this.canvas, null, {renderer: 'svg', width, height: tall});
      }
      this.drawing.resize({width, height: tall});
      this.drawing.setOption(option(this.chart, this.shown, width), {notMerge: true});
      this.drawing.getZr().flush();
      // On paper the picture takes the width that there is.
      this.canvas.querySelector('svg').setAttribute('viewBox', `0 0 ${width} ${tall}`);
    }

    /** Fills the table if it is open. */
    fill() {
      if (!this.details.open) return;
      const {header, body} = table(this.chart, this.shown);
      const cell = (name, value) => element(name,
        {className: typeof value === 'number' ? 'number' : 'text', textContent: number(value)});
      const head = element('tr', {}, ...header.map((name, i) =>
        element('th', {scope: 'col', textContent: name,
          className: typeof body[0]?.[i] === 'number' ? 'number' : 'text'})));
      this.details.querySelector('.scroll').replaceChildren(element('table', {},
        element('thead', {}, head),
        element('tbody', {}, ...body.map(row => element('tr', {}, ...row.map(v => cell('td', v)))))));
    }

    /** Saves the chart with its title, as the page has coloured it. */
    save(kind) {
      if (this.shown.series.length === 0) return;
      const {id, title} = this.chart;
      const picked = [...this.element.querySelectorAll('select')]
        .map(select => `, ${select.name} ${select.value}`).join('');
      const tall = Math.max(EXPORT.height, height(this.chart, this.shown, EXPORT.width) + 34);
      const canvas = document.createElement('div');
      const size = {width: EXPORT.width, height: tall};
      const drawing = kind === 'SVG'
        ? echarts.init(null, null, {renderer: 'svg', ssr: true, ...size})
        : echarts.init(canvas, null, {renderer: 'canvas', devicePixelRatio: 2, ...size});
      drawing.setOption(option(this.chart, this.shown, EXPORT.width, title + picked));
      if (kind === 'SVG') {
        const address = URL.createObjectURL(
          new Blob([drawing.renderToSVGString()], {type: 'image/svg+xml'}));
        save(id + '.svg', address);
        setTimeout(() => URL.revokeObjectURL(address), 60000);
      } else {
        save(id + '.png', drawing.getDataURL({type: 'png', pixelRatio: 2}));
      }
      drawing.dispose();
    }
  }

  const figures = report.charts.map(chart => new Figure(chart));
  const draw = () => figures.forEach(figure => figure.draw());

  // ---- Filters ----

  /** Hides the rows of plain tables that were deselected; 90 and 90.00 are the same. */
  function filterTables() {
    for (const one of document.querySelectorAll('table.rows')) {
      const names = [...one.tHead.rows[0].cells].map(cell => cell.textContent);
      for (const row of one.tBodies[0].rows) {
        row.hidden = names.some((name, i) => {
          const cell = row.cells[i].textContent;
          return [...document.querySelectorAll(`fieldset[name="${CSS.escape(name)}"] input`)].some(box =>
            !box.checked && (box.value === cell || Number(box.value) === Number(cell)));
        });
      }
    }
  }

  for (const column of report.filters) {
    const values = [...new Set(figures.flatMap(figure => distinct(figure.rows, column)))];
    chosen.set(column, new Set(values));
    const group = element('fieldset', {name: column}, element('legend', {textContent: column}));
    for (const value of values) {
      const box = element('input', {type: 'checkbox', checked: true, value});
      box.addEventListener('change', () => {
        box.checked ? chosen.get(column).add(value) : chosen.get(column).delete(value);
        draw();
        filterTables();
      });
      group.append(element('label', {}, box, String(value)));
    }
    document.getElementById('filters').append(group);
  }

  // ---- Light and dark, size, paper ----

  const dark = matchMedia('(prefers-color-scheme: dark)');
  const button = document.getElementById('theme');
  const isDark = () => root.dataset.theme ? root.dataset.theme === 'dark' : dark.matches;
  const name = () => { button.textContent = isDark() ? 'Light' : 'Dark'; };
  button.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    name();
    draw();
  });
  dark.addEventListener('change', () => {
    name();
    draw();
  });
  for (const [event, printing] of [['beforeprint', true], ['afterprint', false]]) {
    addEventListener(event, () => {
      root.classList.toggle('printing', printing);
      draw();
    });
  }
  let width = root.clientWidth;
  addEventListener('resize', () => {
    if (root.clientWidth !== width) {
      width = root.clientWidth;
      draw();
    }
  });
  name();
})();
