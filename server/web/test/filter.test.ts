import assert from 'node:assert/strict';
import { test } from 'node:test';
import { offersAt } from '../src/completion';
import { fromFragment, parse, toFragment, write, type Filter } from '../src/filter';

const none = () => [];
const texts = (text: string, caret = text.length) => offersAt(text, caret, none).offers.map((offer) => offer.text);

test('words come before the first field, and values may hold spaces', () => {
  assert.deepEqual(parse('acme corp forms=SC 13D, 8-K  tickers=AAPL'), { find: 'acme corp', fields: { forms: ['SC 13D', '8-K'], tickers: ['AAPL'] } });
});

test('a field given twice has the values of both, and an empty one stays for the server to refuse', () => {
  assert.deepEqual(parse('forms=8-K forms=4').fields, { forms: ['8-K', '4'] });
  assert.deepEqual(parse('forms=').fields, { forms: [''] });
  assert.deepEqual(parse('forms=8-K,').fields, { forms: ['8-K'] });
});

test('a filter survives its text and its address', () => {
  const filters: Filter[] = [
    { find: '', fields: {} },
    { find: 'a & b=', fields: {} },
    { find: 'acme', fields: { forms: ['SC 13D/A', '424B*'], items: ['2.02'], tickers: ['BRK.B'] } },
  ];
  for (const filter of filters) assert.deepEqual(fromFragment(toFragment(filter)), filter);
  const last = filters.at(-1) as Filter;
  assert.deepEqual(parse(write(last)), last);
  assert.equal(toFragment(last), 'find=acme&forms=SC+13D/A,424B*&items=2.02&tickers=BRK.B');
});

test('the key is no part of the filter', () => {
  assert.deepEqual(fromFragment('#key=fw_1_2&forms=4'), { find: '', fields: { forms: ['4'] } });
});

test('fields are offered by their beginning, and only those that are not there', () => {
  assert.deepEqual(texts('fo'), ['forms=']);
  assert.ok(!texts('forms=8-K ').includes('forms='));
  assert.ok(texts('').length === 10);
});

test('values are offered for the field under the caret, and only those that are not there', () => {
  assert.deepEqual(texts('amendments=o'), ['only']);
  assert.ok(!texts('forms=8-K,').includes('8-K'));
  assert.deepEqual(texts('forms=SCHEDULE 13D,424'), ['424B*']);
  const { from, to } = offersAt('forms=8-K,42 tickers=A', 12, none);
  assert.deepEqual([from, to], [10, 12]);
});
